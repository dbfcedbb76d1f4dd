// The threads of a block, on threads of the system.
#include <cuda_runtime.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

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

// which shared array of its block the thread asks for next
thread_local size_t arrays_seen;

/// One launch, as those that play its threads see it.
struct Launch {
  dim3 grid;
  unsigned threads, players;  // of a block; that play them
  const std::function<void()> *kernel;
};

void play(unsigned t, const Launch &launch);

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)

// Under a sanitiser, which must see who meets whom, every thread of a block is one of the system.

class Barrier {
 public:
  ~Barrier() { resize(0); }
  void resize(unsigned count) {
    if (count_) pthread_barrier_destroy(&barrier_);
    if (count) pthread_barrier_init(&barrier_, nullptr, count);
    count_ = count;
  }
  void meet() { pthread_barrier_wait(&barrier_); }
  unsigned count() const { return count_; }

 private:
  pthread_barrier_t barrier_;
  unsigned count_ = 0;
};

class Crew {
 public:
  static constexpr unsigned LONERS = 4;  // that play the threads of a kernel which meet nowhere

  Crew() { sem_init(&done_, 0, 0); }

  // the leak sanitiser, which looks at every thread at the end of the process, stumbles over
  // hundreds
  ~Crew() {
    run({dim3(), 0, (unsigned)workers_.size(), nullptr});
    for (Worker *worker : workers_) {
      worker->thread.join();
      delete worker;
    }
  }

  // every worker waits at a semaphore of its own: no lock for hundreds to queue at
  void run(const Launch &launch) {
    while (workers_.size() < launch.players) {
      unsigned t = (unsigned)workers_.size();
      Worker *worker = new Worker;
      sem_init(&worker->wake, 0, 0);
      worker->thread = std::thread([this, t, worker] { work(t, worker); });
      workers_.push_back(worker);
    }
    if (launch.players == 0) return;
    launch_ = launch;
    left_.store(launch.players);
    for (unsigned t = 0; t < launch.players; t++) sem_post(&workers_[t]->wake);
    while (sem_wait(&done_) != 0) continue;
  }

 private:
  struct Worker {
    std::thread thread;
    sem_t wake;
  };

  // until a launch without a kernel
  void work(unsigned t, Worker *self) {
    for (bool goes_on = true; goes_on;) {
      while (sem_wait(&self->wake) != 0) continue;
      Launch launch = launch_;
      goes_on = launch.kernel != nullptr;
      for (unsigned thread = t; thread < launch.threads; thread += launch.players)
        play(thread, launch);
      if (left_.fetch_sub(1) == 1) sem_post(&done_);
    }
  }

  sem_t done_;
  std::vector<Worker *> workers_;
  Launch launch_ = {};
  std::atomic<unsigned> left_{0};
};

#else

// Else they take turns on this one, each on a stack of its own, and change where they wait: many
// times as fast.

struct Player {
  ucontext_t context;
  std::vector<char> stack;
  bool done;
};

ucontext_t stage;
Player *on_stage;

// let the others play; everything that tells threads apart is put back
void wait_a_turn() {
  Player *self = on_stage;
  dim3 thread = threadIdx, block = blockIdx;
  size_t seen = arrays_seen;
  swapcontext(&self->context, &stage);
  threadIdx = thread, blockIdx = block, arrays_seen = seen;
}

class Barrier {
 public:
  void resize(unsigned count) { count_ = count, waiting_ = 0; }
  void meet() {
    uint64_t round = round_;
    if (++waiting_ == count_) {
      waiting_ = 0;
      round_++;
    }
    while (round_ == round) wait_a_turn();
  }
  unsigned count() const { return count_; }

 private:
  unsigned count_ = 0, waiting_ = 0;
  uint64_t round_ = 0;
};

class Crew {
 public:
  static constexpr unsigned LONERS = 1;

  void run(const Launch &launch) {
    if (launch.players < launch.threads) {
      for (unsigned t = 0; t < launch.threads; t++) play(t, launch);
      return;
    }
    while (players_.size() < launch.players) players_.push_back(new Player);
    for (unsigned t = 0; t < launch.players; t++) prepare(t, launch);
    for (unsigned left = launch.players; left > 0;)
      for (unsigned t = 0; t < launch.players; t++) {
        if (players_[t]->done) continue;
        on_stage = players_[t];
        swapcontext(&stage, &on_stage->context);
        left -= players_[t]->done;
      }
  }

 private:
  void prepare(unsigned t, const Launch &launch) {
    Player *player = players_[t];
    player->stack.resize(128 << 10);
    player->done = false;
    getcontext(&player->context);
    player->context.uc_stack.ss_sp = player->stack.data();
    player->context.uc_stack.ss_size = player->stack.size();
    player->context.uc_link = &stage;
    // makecontext passes whole numbers only
    uintptr_t place = (uintptr_t)&launch;
    makecontext(&player->context, (void (*)())enter, 3, t, (unsigned)place,
                (unsigned)(place >> 32));
  }

  static void enter(unsigned t, unsigned low, unsigned high) {
    play(t, *(const Launch *)((uintptr_t)high << 32 | low));
    on_stage->done = true;
  }

  std::vector<Player *> players_;
};

#endif

// what the threads of one block share
class Block {
 public:
  void resize(unsigned threads) {
    if (threads != barrier_.count()) barrier_.resize(threads);
    for (unsigned w = 0; w * WARP < threads; w++) {
      unsigned left = threads - w * WARP, lanes = left < WARP ? left : WARP;
      if (warps_[w].barrier.count() != lanes) warps_[w].barrier.resize(lanes);
    }
  }

  void meet() { barrier_.meet(); }

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
    warp.barrier.meet();
    word = warp.words[from];
    warp.barrier.meet();
    return word;
  }

  unsigned lanes() const { return warps_[threadIdx.x / WARP].barrier.count(); }

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
    Barrier barrier;
    uint64_t words[WARP];
  };
  Barrier barrier_;
  Warp warps_[THREADS_MAX / WARP];
  std::mutex mutex_;
  std::vector<void *> arrays_;
  bool cooperates_ = false, alone_ = false;
};

Block &the_block = *new Block;

void play(unsigned t, const Launch &launch) {
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

// Runs launches one after the other; remembers of which kernels the threads meet nowhere.
class Pool {
 public:
  void run(const char *name, dim3 grid, unsigned threads, const std::function<void()> &kernel) {
    if (threads == 0 || threads > THREADS_MAX) give_up("a launch of no or too many threads");
    if (!grid.x || !grid.y || !grid.z) give_up("a launch of no blocks");
    std::lock_guard<std::mutex> one_launch(mutex_);
    bool alone = loners_.count(name) > 0;
    the_block.resize(threads);
    the_block.begin(alone);
    crew_.run({grid, threads, alone && threads > Crew::LONERS ? Crew::LONERS : threads, &kernel});
    the_block.forget_shared();
    if (!the_block.cooperates()) loners_[name] = true;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, bool> loners_;
  Crew crew_;
};

Pool &pool() {
  static Pool the_pool;
  return the_pool;
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
