// The threads of a block, on threads of the system.
#include <cuda_runtime.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

[[noreturn]] void give_up(const char *why) {
  fprintf(stderr, "shim: %s\n", why);
  abort();
}

// ---- threads of a block

constexpr unsigned WARP = 32, THREADS_MAX = 1024;

// what the threads of one block share
class Block {
 public:
  Block() {
    for (Warp &warp : warps_) warp.barrier_lanes = 0;
  }

  void resize(unsigned threads) {
    if (threads == threads_) return;
    if (threads_) pthread_barrier_destroy(&barrier_);
    pthread_barrier_init(&barrier_, nullptr, threads);
    threads_ = threads;
    for (unsigned w = 0; w * WARP < threads; w++) {
      unsigned left = threads - w * WARP, lanes = left < WARP ? left : WARP;
      if (warps_[w].barrier_lanes == lanes) continue;
      if (warps_[w].barrier_lanes) pthread_barrier_destroy(&warps_[w].barrier);
      pthread_barrier_init(&warps_[w].barrier, nullptr, lanes);
      warps_[w].barrier_lanes = lanes;
    }
  }

  void meet() { pthread_barrier_wait(&barrier_); }

  // the memory of this block's i-th shared array: made by the first thread that asks
  void *shared(size_t i, size_t bytes) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (i == arrays_.size()) {
      arrays_.push_back(aligned_alloc(16, (bytes + 15) / 16 * 16));
      memset(arrays_.back(), SAC_SHIM_POISON, bytes);
    }
    return arrays_[i];
  }

  void forget_shared() {
    for (void *array : arrays_) free(array);
    arrays_.clear();
  }

  uint64_t exchange(uint64_t word, int from) {
    Warp &warp = warps_[threadIdx.x / WARP];
    warp.words[threadIdx.x % WARP] = word;
    pthread_barrier_wait(&warp.barrier);
    word = warp.words[from];
    pthread_barrier_wait(&warp.barrier);
    return word;
  }

  unsigned lanes() const { return warps_[threadIdx.x / WARP].barrier_lanes; }

  // whether the kernel of this launch made its threads meet, or share memory
  bool cooperates() const { return __atomic_load_n(&cooperates_, __ATOMIC_RELAXED); }
  void note_cooperation() {
    if (alone_) give_up("threads of a kernel met that had met nowhere before");
    __atomic_store_n(&cooperates_, true, __ATOMIC_RELAXED);
  }
  void begin(bool alone) {
    alone_ = alone;
    cooperates_ = false;
  }

 private:
  struct Warp {
    pthread_barrier_t barrier;
    unsigned barrier_lanes;
    uint64_t words[WARP];
  };
  unsigned threads_ = 0;
  pthread_barrier_t barrier_;
  Warp warps_[THREADS_MAX / WARP];
  std::mutex mutex_;
  std::vector<void *> arrays_;
  bool cooperates_ = false, alone_ = false;
};

Block the_block;
thread_local size_t arrays_seen;

// One launch, as the system's threads see it.
struct Launch {
  dim3 grid;
  unsigned threads, players;  // of a block; of the system
  const std::function<void()> *kernel;
};

// A pool of system threads. Number t plays thread t of every block; of a kernel whose threads were
// found to meet nowhere, a few play all.
class Pool {
 public:
  Pool() { sem_init(&done_, 0, 0); }

  void run(const char *name, dim3 grid, unsigned threads, const std::function<void()> &kernel) {
    if (threads == 0 || threads > THREADS_MAX) give_up("a launch of no or too many threads");
    if (!grid.x || !grid.y || !grid.z) give_up("a launch of no blocks");
    std::lock_guard<std::mutex> one_launch(launch_mutex_);
    bool alone = loners_.count(name) > 0;
    the_block.resize(threads);
    the_block.begin(alone);
    play_with({grid, threads, alone && threads > PLAYERS ? PLAYERS : threads, &kernel});
    the_block.forget_shared();
    if (!the_block.cooperates()) loners_[name] = true;
  }

 private:
  static constexpr unsigned PLAYERS = 4;

  // every worker waits at a semaphore of its own: no lock for hundreds to queue at
  void play_with(const Launch &launch) {
    while (workers_.size() < launch.players) {
      unsigned t = (unsigned)workers_.size();
      sem_t *wake = new sem_t;
      sem_init(wake, 0, 0);
      workers_.push_back(wake);
      std::thread([this, t, wake] { work(t, wake); }).detach();
    }
    launch_ = launch;
    left_.store(launch.players);
    for (unsigned t = 0; t < launch.players; t++) sem_post(workers_[t]);
    while (sem_wait(&done_) != 0) continue;
  }

  void work(unsigned t, sem_t *wake) {
    for (;;) {
      while (sem_wait(wake) != 0) continue;
      Launch launch = launch_;
      for (unsigned thread = t; thread < launch.threads; thread += launch.players)
        play(thread, launch);
      if (left_.fetch_sub(1) == 1) sem_post(&done_);
    }
  }

  static void play(unsigned t, const Launch &launch) {
    dim3 grid = launch.grid;
    bool together = launch.players == launch.threads;
    threadIdx = dim3(t, 0, 0), blockDim = dim3(launch.threads), gridDim = grid;
    for (unsigned z = 0; z < grid.z; z++)
      for (unsigned y = 0; y < grid.y; y++)
        for (unsigned x = 0; x < grid.x; x++) {
          blockIdx = dim3(x, y, z);
          arrays_seen = 0;
          (*launch.kernel)();
          bool first = x == 0 && y == 0 && z == 0;
          bool last = x + 1 == grid.x && y + 1 == grid.y && z + 1 == grid.z;
          if (last) return;
          // threads that meet nowhere in a kernel need not wait for each other between blocks
          if (first && together) the_block.meet();
          if (!the_block.cooperates()) continue;
          if (!first) the_block.meet();
          if (t == 0) the_block.forget_shared();
          the_block.meet();
        }
  }

  std::mutex launch_mutex_;
  sem_t done_;
  std::vector<sem_t *> workers_;
  std::map<std::string, bool> loners_;
  Launch launch_ = {};
  std::atomic<unsigned> left_{0};
};

// never destroyed: its threads wait for the end of the process
Pool &pool() {
  static Pool *the_pool = new Pool;
  return *the_pool;
}

}  // namespace

void sac_shim_run(const char *name, dim3 grid, unsigned threads,
                  const std::function<void()> &kernel) {
  pool().run(name, grid, threads, kernel);
}

void __syncthreads() {
  the_block.note_cooperation();
  the_block.meet();
}

void *sac_shim_shared(size_t bytes) {
  the_block.note_cooperation();
  return the_block.shared(arrays_seen++, bytes);
}

uint64_t sac_shim_exchange(uint64_t word, int from) {
  the_block.note_cooperation();
  return the_block.exchange(word, from);
}

unsigned __ballot_sync(unsigned, int vote) {
  unsigned votes = 0;
  the_block.note_cooperation();
  for (unsigned lane = 0; lane < the_block.lanes(); lane++)
    votes |= (unsigned)(the_block.exchange((uint64_t)(vote != 0), (int)lane) << lane);
  return votes;
}
