#include "env/geom_pairs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// more of them cost as much as the sweep
enum { PAIRS_MAX = 128 };

typedef struct geom_pair {
  int first, second;
} geom_pair;

typedef struct geom_pairs {
  int count;
  geom_pair at[PAIRS_MAX];
} geom_pairs;

// neither part of one rigid body, nor two that cannot move, nor one hinged to the other
static bool bodies_touch(const mjModel *model, int a, int b) {
  int weld_a = model->body_weldid[a], weld_b = model->body_weldid[b];
  int above_a = model->body_weldid[model->body_parentid[weld_a]];
  int above_b = model->body_weldid[model->body_parentid[weld_b]];
  bool hinged = weld_a != 0 && weld_b != 0 && (weld_a == above_b || weld_b == above_a);
  bool moves = model->body_dofnum[weld_a] > 0 || model->body_dofnum[weld_b] > 0;
  return weld_a != weld_b && moves && !hinged;
}

static bool geoms_touch(const mjModel *model, int a, int b) {
  return (model->geom_contype[a] & model->geom_conaffinity[b]) != 0 ||
         (model->geom_contype[b] & model->geom_conaffinity[a]) != 0;
}

static int compare_pairs(const void *a, const void *b) {
  const geom_pair *x = a, *y = b;
  return x->first != y->first ? x->first - y->first : x->second - y->second;
}

// the pairs of two bodies in the engine's order: geom by geom, or where it descends into trees of
// several geoms sorted by the lesser type's, then the other's number; false when there is no room
static bool list_bodies(const mjModel *model, int a, int b, geom_pairs *pairs) {
  int begin = pairs->count;
  int end_a = model->body_geomadr[a] + model->body_geomnum[a];
  int end_b = model->body_geomadr[b] + model->body_geomnum[b];
  for (int i = model->body_geomadr[a]; i < end_a; i++)
    for (int j = model->body_geomadr[b]; j < end_b; j++) {
      if (!geoms_touch(model, i, j)) continue;
      if (pairs->count == PAIRS_MAX) return false;
      bool turned = model->geom_type[i] > model->geom_type[j];
      pairs->at[pairs->count++] = turned ? (geom_pair){j, i} : (geom_pair){i, j};
    }
  bool several = model->body_geomnum[a] > 1 || model->body_geomnum[b] > 1;
  if (several && model->body_bvhadr[a] >= 0 && model->body_bvhadr[b] >= 0)
    qsort(pairs->at + begin, (size_t)(pairs->count - begin), sizeof *pairs->at, compare_pairs);
  return true;
}

static bool list_pairs(const mjModel *model, geom_pairs *pairs) {
  pairs->count = 0;
  if (model->npair > 0 || model->nexclude > 0 || model->nflex > 0) return false;
  for (int a = 0; a < model->nbody; a++)
    for (int b = a + 1; b < model->nbody; b++)
      if (bodies_touch(model, a, b) && !list_bodies(model, a, b, pairs)) return false;
  return true;
}

static void name_geoms(mjSpec *spec) {
  int number = 0;
  for (mjsElement *geom = mjs_firstElement(spec, mjOBJ_GEOM); geom;
       geom = mjs_nextElement(spec, geom)) {
    char name[32];
    snprintf(name, sizeof name, "sac geom %d", number++);
    if (!*mjs_getString(mjs_getName(geom))) mjs_setName(geom, name);
  }
}

// what is not a number the compiler mixes from the two geoms as a step does, but for the margins
static void add_pair(mjSpec *spec, const mjModel *model, geom_pair it) {
  int a = it.first, b = it.second;
  mjsPair *pair = mjs_addPair(spec, NULL);
  mjs_setString(pair->geomname1, mj_id2name(model, mjOBJ_GEOM, a));
  mjs_setString(pair->geomname2, mj_id2name(model, mjOBJ_GEOM, b));
  int of_a = model->geom_condim[a], of_b = model->geom_condim[b];
  int lead = model->geom_priority[a] - model->geom_priority[b];
  pair->condim = lead > 0 || (lead == 0 && of_a > of_b) ? of_a : of_b;
  pair->margin = model->geom_margin[a] + model->geom_margin[b];
  pair->gap = model->geom_gap[a] + model->geom_gap[b];
  for (int i = 0; i < mjNREF; i++) pair->solref[i] = NAN;
  for (int i = 0; i < mjNIMP; i++) pair->solimp[i] = NAN;
  for (int i = 0; i < 5; i++) pair->friction[i] = NAN;
}

mjModel *sac_geom_pairs_compile(mjSpec *spec) {
  name_geoms(spec);
  mjSpec *copy = mj_copySpec(spec);
  mjModel *model = copy ? mj_compile(copy, NULL) : NULL;
  mj_deleteSpec(copy);
  geom_pairs pairs;
  if (!model) return mj_compile(spec, NULL);  // for its reason
  if (!list_pairs(model, &pairs)) return model;
  for (int i = 0; i < pairs.count; i++) add_pair(spec, model, pairs.at[i]);
  if (pairs.count > 0) {
    mj_deleteModel(model);
    model = mj_compile(spec, NULL);
  }
  // the sweep is left to nobody
  for (int i = 0; model && i < model->nbody; i++)
    model->body_contype[i] = model->body_conaffinity[i] = 0;
  return model;
}
