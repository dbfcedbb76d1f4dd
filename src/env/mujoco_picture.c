// The engine's scene and renderer in a frame buffer of OpenGL.
#include "env/mujoco_picture.h"

#include <stdlib.h>
#include <string.h>

#include "env/gl.h"
#include "env/mujoco.h"

enum { SHAPES_MAX = 2000, FIRST_BODY = 1 };

// what the pictures of one task keep: one context, so for one thread
typedef struct renderer {
  sac_gl *gl;
  const mjModel *model;
  mjData *data;  // of its own: drawing must not touch the simulation
  mjvScene scene;
  mjvOption option;
  mjrContext context;
} renderer;

static void release(void *context) {
  renderer *self = context;
  if (self->gl) mjr_freeContext(&self->context);
  mjv_freeScene(&self->scene);
  mj_deleteData(self->data);
  sac_gl_close(self->gl);
  free(self);
}

static sac_status start(renderer *self, const sac_picture *picture, sac_error *err) {
  mjv_defaultScene(&self->scene);
  mjv_defaultOption(&self->option);
  mjr_defaultContext(&self->context);
  self->data = mj_makeData(self->model);
  if (!self->data) return sac_error_set(err, SAC_FAILED, "MuJoCo: no memory for pictures");
  SAC_TRY(sac_gl_open(&self->gl, err));
  mjv_makeScene(self->model, &self->scene, SHAPES_MAX);
  self->scene.flags[mjRND_SHADOW] = 0;
  self->scene.flags[mjRND_REFLECTION] = 0;
  mjr_makeContext(self->model, &self->context, mjFONTSCALE_50);
  mjr_resizeOffscreen(picture->width, picture->height, &self->context);
  mjr_setBuffer(mjFB_OFFSCREEN, &self->context);
  if (self->context.currentBuffer == mjFB_OFFSCREEN) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "OpenGL (%s) gives no frame buffer to draw in",
                       sac_gl_describe(self->gl));
}

static sac_status open_renderer(const mjModel *model, sac_picture *picture, sac_error *err) {
  renderer *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for pictures");
  self->model = model;
  sac_status status = start(self, picture, err);
  if (status == SAC_OK) {
    picture->context = self;
    picture->release = release;
  } else {
    release(self);
  }
  return status;
}

// where the bodies are now: after a step the engine still holds where they were a substep before
static void copy_positions(const renderer *self, const mjData *from) {
  memcpy(self->data->qpos, from->qpos, sizeof *from->qpos * (size_t)self->model->nq);
  mj_fwdPosition(self->model, self->data);
}

static mjvCamera aim(const sac_mujoco_camera *camera, const mjData *data) {
  mjvCamera aimed;
  mjv_defaultCamera(&aimed);
  aimed.type = mjCAMERA_FREE;
  aimed.distance = camera->distance;
  aimed.azimuth = 90;
  aimed.elevation = camera->elevation;
  // the height stays: the horizon does not bob with the robot
  const double *robot = data->subtree_com + 3 * FIRST_BODY;
  for (int i = 0; i < 3; i++) aimed.lookat[i] = camera->at[i];
  for (int i = 0; i < 2 && !camera->stays; i++) aimed.lookat[i] += robot[i];
  return aimed;
}

static void brighten(mjvScene *scene, float light) {
  for (int i = 0; i < scene->nlight; i++)
    for (int color = 0; color < 3 && scene->lights[i].headlight; color++) {
      scene->lights[i].ambient[color] += light;
      scene->lights[i].diffuse[color] += light;
    }
}

// OpenGL counts rows from the bottom
static void turn_rows(sac_picture *picture) {
  size_t row = (size_t)picture->width * 3;
  uint8_t *top = picture->rgb, *bottom = top + row * (size_t)(picture->height - 1);
  for (; top < bottom; top += row, bottom -= row)
    for (size_t i = 0; i < row; i++) {
      uint8_t held = top[i];
      top[i] = bottom[i];
      bottom[i] = held;
    }
}

sac_status sac_mujoco_draw(const void *shared, const void *env, sac_picture *picture,
                           sac_error *err) {
  const sac_mujoco *mujoco = shared;
  if (!picture->context) SAC_TRY(open_renderer(mujoco->model, picture, err));
  renderer *self = picture->context;
  copy_positions(self, ((const sac_mujoco_env *)env)->data);
  mjvCamera camera = aim(&mujoco->camera, self->data);
  mjrRect all = {0, 0, picture->width, picture->height};
  mjv_updateScene(self->model, self->data, &self->option, NULL, &camera, mjCAT_ALL, &self->scene);
  brighten(&self->scene, mujoco->camera.light);
  mjr_render(all, &self->scene, &self->context);
  mjr_readPixels(picture->rgb, NULL, all, &self->context);
  turn_rows(picture);
  return SAC_OK;
}
