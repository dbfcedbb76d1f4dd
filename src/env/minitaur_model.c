// Lengths, masses and pivots are those of pybullet's minitaur.urdf and minitaur.py (their notice is
// in LICENSE). As Bullet does, and since the file's own inertias are all 1 kg m^2, inertia follows
// from the shapes, for one made of several from their bounding box. Only the ground touches the
// robot.
#include "env/minitaur_model.h"

// clang-format off
// one of the two halves of a leg: motor, upper link and lower link, which reaches to its pivot
#define HALF(name, place, turn, half_length, pivot)                                \
  "<body name='upper_" name "' pos='" place "' euler='0 0 " turn "'>"              \
  "  <joint name='motor_" name "' axis='0 -1 0'/>"                                 \
  "  <geom class='motor'/> <geom class='upper'/>"                                  \
  "  <body name='lower_" name "' pos='0 .025 .115'>"                               \
  "    <joint name='knee_" name "' axis='0 1 0'/>"                                 \
  "    <geom class='lower' size='.005 .005 " half_length "'/>"                     \
  "    <site name='pivot_" name "' pos='0 " pivot " .2'/>"                         \
  "  </body>"                                                                      \
  "</body>"

// the halves of a leg at `x`; across the robot the motors stand elsewhere on either side
#define LEFT_LEG(name, x, length_l, length_r)                                      \
  HALF(name "_L", x " .025 0", "180", length_l, ".01")                             \
  HALF(name "_R", x " -.04 0", "0", length_r, ".005")
#define RIGHT_LEG(name, x, length_l, length_r)                                     \
  HALF(name "_L", x " .04 0", "180", length_l, ".01")                              \
  HALF(name "_R", x " -.025 0", "0", length_r, ".005")

// a side of the chassis, which leans by 5 degrees, and its legs
#define SIDE(y, lean, legs)                                                        \
  "<frame pos='0 " y " 0' euler='" lean " 0 0'>"                                   \
  "  <geom class='inertia' size='.17 .04 .02' mass='.1'/>"                         \
  "  <geom pos='0 .035 0' size='.17 .005 .02'/>"                                   \
  "  <geom pos='0 -.035 0' size='.17 .005 .02'/>" legs                             \
  "</frame>"

#define CLOSE_LEG(name) "<connect site1='pivot_" name "_R' site2='pivot_" name "_L'/>"

#define MOTORS(leg, gear)                                                          \
  "<motor joint='motor_" leg "_L' gear='" gear "'/>"                               \
  "<motor joint='motor_" leg "_R' gear='" gear "'/>"
// clang-format on

static const char model[] =
    "<mujoco model='minitaur'>"
    "<compiler angle='degree' autolimits='true'/>"
    "<option timestep='.002' gravity='0 0 -10'/>"
    "<default>"
    "  <geom type='box' contype='0' conaffinity='1' priority='1' friction='.5' solref='.01 1'"
    "        mass='0' rgba='.3 .3 .3 1'/>"
    "  <equality solref='.004 1'/>"
    "  <motor ctrlrange='-3.5 3.5'/>"
    "  <default class='inertia'><geom conaffinity='0' group='3'/></default>"
    "  <default class='motor'>"
    "    <geom type='cylinder' size='.0434 .013' euler='90 0 0' mass='.25'/>"
    "  </default>"
    "  <default class='upper'>"
    "    <geom pos='0 .015 .06' size='.005 .005 .055' mass='.05' rgba='.65 .65 .75 1'/>"
    "  </default>"
    "  <default class='lower'>"
    "    <geom pos='0 0 .1' mass='.05' friction='1' rgba='.65 .65 .75 1'/>"
    "  </default>"
    "</default>"
    "<asset>"
    "  <texture name='squares' type='2d' builtin='checker' width='200' height='200'"
    "           rgb1='.8 .8 .8' rgb2='.6 .65 .7'/>"
    "  <material name='ground' texture='squares' texrepeat='2 2' texuniform='true'/>"
    "</asset>"
    "<worldbody>"
    "  <light directional='true' pos='0 0 3' dir='-.2 .2 -1' diffuse='.8 .8 .8'/>"
    "  <geom name='ground' type='plane' size='0 0 1' contype='1' conaffinity='0' priority='0'"
    "        material='ground' rgba='1 1 1 1'/>"
    "  <camera name='track' mode='trackcom' pos='0 -1 .5' xyaxes='1 0 0 0 .45 1'/>"
    "  <body name='base' pos='0 0 .2'>"
    "    <freejoint/>"
    "    <geom class='inertia' size='.165 .15 .035' mass='3'/>"
    "    <geom size='.165 .05 .035'/>"
    "    <geom pos='0 .1 0' size='.085 .05 .025'/>"
    "    <geom pos='0 -.1 0' size='.085 .05 .025'/>"
    SIDE(".1", "5", LEFT_LEG("front_left", ".21", ".099", ".1")
                    LEFT_LEG("back_left", "-.21", ".1", ".1016"))
    SIDE("-.1", "-5", RIGHT_LEG("front_right", ".21", ".099", ".1")
                      RIGHT_LEG("back_right", "-.21", ".1", ".1016"))
    "  </body>"
    "</worldbody>"
    "<equality>" CLOSE_LEG("front_left") CLOSE_LEG("back_left") CLOSE_LEG("front_right")
    CLOSE_LEG("back_right") "</equality>"
    "<actuator>" MOTORS("front_left", "-1") MOTORS("back_left", "-1") MOTORS("front_right", "1")
    MOTORS("back_right", "1") "</actuator>"
    "</mujoco>";

const char *sac_minitaur_model(void) {
  return model;
}
