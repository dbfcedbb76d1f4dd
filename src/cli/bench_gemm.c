// `sac bench gemm`: the products of an update, each by itself, beside the machine's peak. What a
// hidden layer gives and gets back is half zeros, as behind a ReLU; operations are counted as if
// none were.
#include <stdlib.h>

#include "algo/device.h"
#include "base/clock.h"
#include "cli/bench.h"

typedef struct product {
  const char *kind;  // "forward", "backward_input", "backward_weight"
  const char *layer;
  int n, rows, in, out;
  bool follows_hidden, is_hidden;  // half of its inputs, of its outputs' gradients are zero
} product;

typedef struct gemm_bench {
  sac_threads *threads;
  sac_backend *backend;
  product shape;
  sac_stack x, weight, bias, y, dy, dx;
} gemm_bench;

static sac_status make(gemm_bench *self, int rows, int cols, bool thin, sac_stack *out,
                       sac_error *err) {
  int n = self->shape.n;
  void *memory = NULL;
  size_t values = (size_t)rows * (size_t)cols;
  SAC_TRY(self->backend->ops->alloc(self->backend, (size_t)n * values * sizeof(sac_real), &memory,
                                    err));
  *out = (sac_stack){.data = memory, .stride = values, .ld = cols, .share = 1};
  sac_real *host = malloc(values * sizeof *host);
  if (!host) return sac_error_set(err, SAC_FAILED, "no memory for a matrix");
  for (size_t i = 0; i < values; i++) {
    sac_real value = (sac_real)(sac_uniform(sac_draw(1, SAC_DRAW_BENCH, i, 0, 0).at[0]) - 0.5f);
    host[i] = thin && value < 0 ? (sac_real)0 : value;
  }
  for (int i = 0; i < n; i++)
    self->backend->ops->upload(self->backend, out->data + (size_t)i * values, host,
                               values * sizeof *host);
  free(host);
  return SAC_OK;
}

static sac_status prepare(gemm_bench *self, sac_error *err) {
  const product *s = &self->shape;
  SAC_TRY(self->backend->ops->reserve(self->backend, s->n, s->rows, s->in, s->out, err));
  SAC_TRY(make(self, s->rows, s->in, s->follows_hidden, &self->x, err));
  SAC_TRY(make(self, s->out, s->in, false, &self->weight, err));
  SAC_TRY(make(self, 1, s->out, false, &self->bias, err));
  SAC_TRY(make(self, s->rows, s->out, false, &self->y, err));
  SAC_TRY(make(self, s->rows, s->out, s->is_hidden, &self->dy, err));
  return make(self, s->rows, s->in, false, &self->dx, err);
}

static void release(gemm_bench *self) {
  sac_stack *all[] = {&self->x, &self->weight, &self->bias, &self->y, &self->dy, &self->dx};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i]->data) self->backend->ops->release(self->backend, all[i]->data);
    all[i]->data = NULL;
  }
}

static void forward(gemm_bench *self) {
  const product *s = &self->shape;
  sac_linear_forward step = {s->n,         s->rows,    s->in,   s->out,  self->x,
                             self->weight, self->bias, self->y, SAC_RELU};
  self->backend->ops->linear_forward(self->backend, &step, 1);
}

static void backward_input(gemm_bench *self) {
  const product *s = &self->shape;
  sac_linear_backward_input step = {.n = s->n,
                                    .rows = s->rows,
                                    .in = s->in,
                                    .out = s->out,
                                    .dy = self->dy,
                                    .weight = self->weight,
                                    .h = self->x,
                                    .dx = self->dx,
                                    .activation = SAC_RELU};
  self->backend->ops->linear_backward_input(self->backend, &step, 1);
}

static void backward_weight(gemm_bench *self) {
  const product *s = &self->shape;
  sac_linear_backward_weight step = {s->n,     s->rows, s->in,        s->out,
                                     self->dy, self->x, self->weight, self->bias};
  self->backend->ops->linear_backward_weight(self->backend, &step, 1);
}

// median seconds of one product
static sac_status time_product(gemm_bench *self, void (*run)(gemm_bench *self), double *seconds,
                               sac_error *err) {
  enum { SAMPLES = 101 };
  double samples[SAMPLES];
  int burst = sac_bench_burst(self->backend);
  for (int i = -10; i < SAMPLES; i++) {
    double begin_s = sac_clock_s();
    for (int k = 0; k < burst; k++) run(self);
    SAC_TRY(self->backend->ops->sync(self->backend, err));
    if (i >= 0) samples[i] = (sac_clock_s() - begin_s) / burst;
  }
  *seconds = sac_percentile(samples, SAMPLES, 50);
  return SAC_OK;
}

static sac_status print_product(gemm_bench *self, const char *kind, double seconds, double peak,
                                bool json, sac_error *err) {
  const product *s = &self->shape;
  double gflops = 2e-9 * s->n * s->rows * (double)s->in * s->out / seconds;
  if (json)
    return sac_print_json(
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f}", "bench", "gemm", "op", kind,
                  "layer", s->layer, "n", s->n, "rows", s->rows, "in", s->in, "out", s->out, "us",
                  seconds * 1e6, "gflops", gflops, "peak_gflops", peak),
        err);
  printf("%-16s %-14s n %d, %4d x %4d x %4d: %9.1f us %8.1f GFLOP/s %5.1f %% of %.1f\n", kind,
         s->layer, s->n, s->rows, s->in, s->out, seconds * 1e6, gflops, 100 * gflops / peak, peak);
  return SAC_OK;
}

static sac_status measure_shape(gemm_bench *self, bool json, sac_error *err) {
  static const struct {
    const char *kind;
    void (*run)(gemm_bench *self);
  } kinds[] = {{"forward", forward},
               {"backward_weight", backward_weight},
               {"backward_input", backward_input}};
  sac_status status = prepare(self, err);
  for (int i = 0; i < 3 && status == SAC_OK; i++) {
    // what the machine gives drifts with its other load: the peak is measured beside each product
    double peak = self->backend->ops->peak_gflops(self->backend), seconds = 0;
    status = time_product(self, kinds[i].run, &seconds, err);
    if (status == SAC_OK) status = print_product(self, kinds[i].kind, seconds, peak, json, err);
  }
  release(self);
  return status;
}

static sac_status measure_network(gemm_bench *self, const char *layers[3], int n, int in,
                                  const sac_config_list *hidden, int out, bool json,
                                  sac_error *err) {
  for (int l = 0; l <= hidden->count; l++) {
    self->shape.layer = layers[l == 0 ? 0 : l < hidden->count ? 1 : 2];
    self->shape.n = n;
    self->shape.in = l == 0 ? in : (int)hidden->at[l - 1];
    self->shape.out = l < hidden->count ? (int)hidden->at[l] : out;
    self->shape.follows_hidden = l > 0;
    self->shape.is_hidden = l < hidden->count;
    SAC_TRY(measure_shape(self, json, err));
  }
  return SAC_OK;
}

sac_status sac_bench_gemm(const sac_config *cfg, bool json, sac_error *err) {
  gemm_bench self = {.shape.rows = (int)cfg->algorithm.batch_size};
  const char *critic[] = {"critic input", "critic hidden", "critic output"};
  const char *policy[] = {"policy input", "policy hidden", "policy output"};
  int obs = (int)cfg->bench.obs, act = (int)cfg->bench.act;
  sac_status status = sac_device_open(cfg, &self.threads, &self.backend, err);
  if (status == SAC_OK) {
    status = measure_network(&self, critic, (int)cfg->algorithm.n_critics, obs + act,
                             &cfg->critic.hidden, 1, json, err);
    if (status == SAC_OK)
      status = measure_network(&self, policy, 1, obs, &cfg->policy.hidden, 2 * act, json, err);
  }
  sac_device_close(self.threads, self.backend);
  return status;
}
