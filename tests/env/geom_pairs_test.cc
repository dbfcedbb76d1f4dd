// Models whose pairs of geoms are written down, beside the same models as the engine compiles them:
// every bit of a simulation in which bodies collide.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "base/files.h"
#include "env/assets.h"
#include "env/geom_pairs.h"
}

namespace {

struct Simulation {
  explicit Simulation(mjModel *compiled) : model(compiled) {
    if (model) data = mj_makeData(model);
  }
  ~Simulation() {
    mj_deleteData(data);
    mj_deleteModel(model);
  }
  Simulation(const Simulation &) = delete;

  mjModel *model;
  mjData *data = nullptr;
};

mjModel *plain(mjSpec *spec) {
  return mj_compile(spec, nullptr);
}

/// `source` is the name of an asset or a model's text.
mjModel *compile(const std::string &source, mjModel *(*how)(mjSpec *)) {
  char path[SAC_PATH_MAX], why[1000] = "";
  sac_error err = {};
  mju_user_warning = [](const char *) {};
  mjSpec *spec;
  if (source[0] == '<') {
    spec = mj_parseXMLString(source.c_str(), nullptr, why, sizeof why);
  } else {
    EXPECT_EQ(sac_asset_find(source.c_str(), path, &err), SAC_OK) << err.text;
    spec = mj_parseXML(path, nullptr, why, sizeof why);
  }
  mjModel *model = spec ? how(spec) : nullptr;
  EXPECT_NE(model, nullptr) << source << ": " << why << (spec ? mjs_getError(spec) : "");
  mj_deleteSpec(spec);
  return model;
}

bool same(const mjtNum *a, const mjtNum *b, int n) {
  return memcmp(a, b, static_cast<size_t>(n) * sizeof *a) == 0;
}

bool same_contact(const mjContact &a, const mjContact &b) {
  return a.geom[0] == b.geom[0] && a.geom[1] == b.geom[1] && a.dim == b.dim &&
         a.exclude == b.exclude && same(&a.dist, &b.dist, 1) && same(a.frame, b.frame, 9) &&
         same(&a.includemargin, &b.includemargin, 1) && same(a.friction, b.friction, 5) &&
         same(a.solref, b.solref, mjNREF) && same(a.solimp, b.solimp, mjNIMP) &&
         same(a.solreffriction, b.solreffriction, mjNREF) && same(a.pos, b.pos, 3);
}

/// Step both from the same starts under the same controls; the pairs of geoms that touched.
std::set<std::pair<int, int>> compare(const std::string &source, int steps) {
  Simulation want(compile(source, plain)), got(compile(source, sac_geom_pairs_compile));
  std::set<std::pair<int, int>> touched;
  if (!want.data || !got.data) return touched;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  int nq = static_cast<int>(want.model->nq), nv = static_cast<int>(want.model->nv);
  for (int i = 0; i < steps; i++) {
    if (i % 150 == 0) {
      mj_resetData(want.model, want.data);
      mj_resetData(got.model, got.data);
      for (int j = 0; j < nv; j++) want.data->qvel[j] = got.data->qvel[j] = 3 * uniform(random);
    }
    for (int j = 0; j < want.model->nu; j++)
      want.data->ctrl[j] = got.data->ctrl[j] = uniform(random);
    mj_step(want.model, want.data);
    mj_step(got.model, got.data);
    bool alike = same(want.data->qpos, got.data->qpos, nq) &&
                 same(want.data->qvel, got.data->qvel, nv) && want.data->ncon == got.data->ncon;
    for (int k = 0; alike && k < want.data->ncon; k++) {
      const mjContact &contact = want.data->contact[k];
      alike = same_contact(contact, got.data->contact[k]);
      touched.insert({contact.geom[0], contact.geom[1]});
    }
    EXPECT_TRUE(alike) << source << ", step " << i;
    if (!alike) break;
  }
  return touched;
}

TEST(GeomPairs, TasksStepToTheSameBits) {
  for (const char *name : {"half_cheetah.xml", "hopper.xml", "walker2d_v5.xml", "ant.xml",
                           "pusher_v5.xml", "swimmer.xml", "reacher.xml"})
    compare(name, 1500);
  EXPECT_GE(compare("half_cheetah.xml", 1500).size(), 2u);
}

TEST(GeomPairs, LimbsOfAHumanoidMeetInTheSameOrder) {
  std::set<std::pair<int, int>> touched = compare("humanoid.xml", 6000);
  size_t n_limbs = 0;
  for (auto &pair : touched) n_limbs += pair.first > 0;
  EXPECT_GT(n_limbs, 5u) << "of " << touched.size();
}

// priorities, mixing weights, direct references, margins and gaps; bodies of several geoms, one
// welded to another, one that cannot move
const char *const kHeap = R"(<mujoco>
  <default><geom condim="3" friction="0.6 0.02 0.01"/></default>
  <worldbody>
    <geom type="plane" size="3 3 1" margin="0.01" gap="0.004"/>
    <geom type="box" pos="0.3 0 0" size="0.2 0.2 0.1"/>
    <body pos="-0.4 0 0.1">
      <geom type="sphere" size="0.2"/>
      <geom type="box" size="0.3 0.1 0.1"/>
    </body>
    <body pos="0 0 0.6"><freejoint/>
      <geom type="capsule" size="0.08 0.2" priority="1" condim="4" friction="0.3 0.05 0.001"/>
      <geom name="named" type="box" size="0.1 0.1 0.1" pos="0.2 0 0" solmix="3"/>
      <body pos="0 0.3 0"><geom type="sphere" size="0.1" solref="-900 -30"/></body>
    </body>
    <body pos="0.1 0.1 1.1"><freejoint/>
      <geom type="sphere" size="0.12" solimp="0.8 0.9 0.01" margin="0.02"/>
      <geom type="capsule" size="0.05 0.25" pos="0 0 0.1" contype="2" conaffinity="1"/>
      <body pos="0 0 0.4"><joint axis="0 1 0"/>
        <geom type="ellipsoid" size="0.1 0.15 0.2" condim="6"/>
        <body pos="0 0 0.3"><joint axis="1 0 0"/>
          <geom type="cylinder" size="0.1 0.1" condim="1"/>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>)";

TEST(GeomPairs, WhateverGeomsAreMixedOf) {
  EXPECT_GT(compare(kHeap, 3000).size(), 8u);
}

TEST(GeomPairs, NoStepSweepsOverBodies) {
  Simulation cheetah(compile("half_cheetah.xml", sac_geom_pairs_compile));
  EXPECT_EQ(cheetah.model->npair, 8);
  for (int i = 0; i < cheetah.model->nbody; i++) EXPECT_EQ(cheetah.model->body_contype[i], 0);
}

TEST(GeomPairs, ModelsWithRulesOfTheirOwnStayAsTheyAre) {
  std::string two =
      "<mujoco><worldbody><body name='a'><freejoint/><geom name='x' size='1'/></body>"
      "<body name='b'><freejoint/><geom name='y' size='1'/></body></worldbody>";
  std::string own = two + "<contact><pair geom1='x' geom2='y'/></contact></mujoco>";
  std::string excluded = two + "<contact><exclude body1='a' body2='b'/></contact></mujoco>";
  std::string many = "<mujoco><worldbody>";
  for (int i = 0; i < 17; i++) many += "<body><freejoint/><geom size='1'/></body>";
  many += "</worldbody></mujoco>";  // 136 pairs
  for (const std::string &text : {own, excluded, many}) {
    Simulation one(compile(text, sac_geom_pairs_compile));
    EXPECT_EQ(one.model->npair, text == own) << text;
    EXPECT_NE(one.model->body_contype[1], 0) << text;
  }
}

}  // namespace
