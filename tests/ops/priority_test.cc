// Prioritised replay: what is drawn, how it is weighted, what becomes of the errors, and the sums.
#include "ops/fixture.h"

#include <algorithm>

extern "C" {
#include "backend/formulas/priority.h"
}

using namespace sac_test;

namespace {

/// The priorities of two rings in the test's memory.
struct Tree {
  explicit Tree(size_t capacity_) : capacity(capacity_) {
    all = sac_priority_level_at(capacity, sac_priority_top(capacity)).first + 1;
    nodes.assign(2 * all, 0);
  }
  sac_priorities view() { return {2, capacity, all, nodes.data(), largest.data()}; }
  sac_real &leaf(int i, size_t place) { return nodes[(size_t)i * all + place]; }
  sac_real root(int i) { return nodes[(size_t)(i + 1) * all - 1]; }
  /// Every sum is that of its leaves.
  void expect_sums() {
    for (int i = 0; i < 2; i++)
      for (int level = 1; level <= sac_priority_top(capacity); level++) {
        sac_priority_level at = sac_priority_level_at(capacity, level);
        size_t span = (size_t)std::llround(std::pow(32, level));
        for (size_t k = 0; k < at.size; k++) {
          long double exact = 0;
          for (size_t p = k * span; p < std::min((k + 1) * span, capacity); p++)
            exact += (long double)leaf(i, p);
          double sum = (double)exact;
          ASSERT_NEAR(sum, nodes[(size_t)i * all + at.first + k], op_tolerance() * (1 + sum))
              << "level " << level << " node " << k;
        }
      }
  }
  size_t capacity;
  size_t all;  // nodes of a ring
  std::vector<sac_real> nodes, largest = {1, 1};
};

class PriorityOps : public Ops {
 protected:
  void enter(Tree &tree, size_t first, size_t count, sac_priority_mode mode) {
    sac_priority_enter op = {tree.view(), first, count, mode};
    ops->priority_enter(backend, &op);
  }
};

TEST_P(PriorityOps, NewRowsGetTheLargestPrioritySoFar) {
  for (size_t capacity : {(size_t)1, (size_t)31, (size_t)33, (size_t)1025, (size_t)40000}) {
    Tree tree(capacity);
    tree.largest = {3, (sac_real)0.5};
    size_t count = std::min<size_t>(capacity, 70), first = capacity - 1;
    enter(tree, first, count, SAC_PRIORITY_APPEND);  // around the end of the ring
    for (size_t k = 0; k < capacity; k++) {
      bool new_one = (k + capacity - first) % capacity < count;
      ASSERT_EQ(new_one ? 3 : 0, tree.leaf(0, k));
      ASSERT_EQ(new_one ? (sac_real)0.5 : 0, tree.leaf(1, k));
    }
    tree.expect_sums();
    enter(tree, 0, capacity / 2 + 1, SAC_PRIORITY_RESET);
    for (size_t k = 0; k < capacity; k++) ASSERT_EQ(k < capacity / 2 + 1 ? 3 : 0, tree.leaf(0, k));
    tree.expect_sums();
    for (size_t k = 0; k < capacity; k++) tree.leaf(1, k) = (sac_real)(0.1 * (double)(k % 7));
    enter(tree, 0, capacity, SAC_PRIORITY_GIVEN);
    for (size_t k = 0; k < capacity; k++)
      ASSERT_EQ((sac_real)(0.1 * (double)(k % 7)), tree.leaf(1, k));
    tree.expect_sums();
  }
}

TEST_P(PriorityOps, RowsAreDrawnByTheirPriority) {
  const int rows = 500;
  const size_t capacity = 100, live = 70;
  Tree tree(capacity);
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; k < live; k++)
      tree.leaf(i, k) = (sac_real)(k % 5 == 0 ? 0 : (double)(k % 7));
  enter(tree, 0, capacity, SAC_PRIORITY_GIVEN);
  std::vector<uint32_t> index(2 * rows);
  Stack weight(2, rows, 1, 1);
  uint64_t count[2] = {live, live}, key[2] = {5, 6};
  std::vector<double> seen(capacity);
  const int updates = 40;
  for (uint64_t update = 0; update < updates; update++) {
    sac_priority_draw op = {tree.view(), rows,    0.4,          100.0,        count,
                            key,         &update, index.data(), weight.view()};
    ops->priority_draw(backend, &op);
    double beta = 0.4 + 0.6 * (double)update / 100, most = 0;
    std::vector<double> want;
    for (int i = 0; i < 2; i++) {
      most = 0, want.clear();
      double total = (double)tree.root(i);
      for (int r = 0; r < rows; r++) {
        size_t place = index[(size_t)(i * rows + r)];
        ASSERT_LT(place, live);
        double share = (double)tree.leaf(i, place) / total;
        ASSERT_GT(share, 0) << "a row without priority was drawn";
        want.push_back(std::pow((double)live * share, -beta));
        most = std::max(most, want.back());
        if (i == 0) seen[place]++;
        // each row from its own part of the sum
        double before = 0;
        for (size_t k = 0; k < place; k++) before += (double)tree.leaf(i, k);
        double low = total * r / rows, high = total * (r + 1) / rows, slack = 1e-4 * total;
        ASSERT_GE(before + (double)tree.leaf(i, place) + slack, low);
        ASSERT_LE(before - slack, high);
      }
      for (int r = 0; r < rows; r++)
        ASSERT_NEAR(want[(size_t)r] / most, weight.at(i, r, 0), tolerance(1e-5, 1e-12));
    }
  }
  for (size_t k = 0; k < live; k++) {
    double want = (double)rows * updates * (double)tree.leaf(0, k) / (double)tree.root(0);
    ASSERT_NEAR(want, seen[k], 5 * std::sqrt(want) + 1) << k;
  }
  weight.expect_padding_kept();
}

TEST_P(PriorityOps, BetaEndsAtOne) {
  const int rows = 64;
  Tree tree(40);
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; k < 40; k++) tree.leaf(i, k) = (sac_real)(1 + (double)k);
  enter(tree, 0, 40, SAC_PRIORITY_GIVEN);
  std::vector<uint32_t> index(2 * rows);
  Stack weight(2, rows, 1);
  uint64_t count[2] = {40, 40}, key[2] = {5, 6}, update = 5000;
  sac_priority_draw op = {tree.view(), rows,    0.4,          100.0,        count,
                          key,         &update, index.data(), weight.view()};
  ops->priority_draw(backend, &op);
  // with beta 1 weight times priority is the same for all
  for (int i = 0; i < 2; i++)
    for (int r = 1; r < rows; r++)
      ASSERT_NEAR((double)weight.at(i, 0, 0) * (double)tree.leaf(i, index[(size_t)(i * rows)]),
                  (double)weight.at(i, r, 0) * (double)tree.leaf(i, index[(size_t)(i * rows + r)]),
                  tolerance(1e-4, 1e-10));
}

TEST_P(PriorityOps, ErrorsBecomePriorities) {
  for (size_t capacity : {(size_t)50, (size_t)3000}) {
    const int rows = 300, n_critics = 3;
    Tree tree(capacity);
    enter(tree, 0, capacity, SAC_PRIORITY_APPEND);
    std::vector<uint32_t> index(2 * rows);
    for (size_t k = 0; k < index.size(); k++) index[k] = (uint32_t)(k * k % (capacity / 2));
    Stack q(2 * n_critics, rows, 1, 1), y(2, rows, 1);
    q.fill(1, 3), y.fill(2);
    sac_priority_update op = {tree.view(), rows,     n_critics, 0.6,
                              1e-6,        q.view(), y.view(),  index.data()};
    ops->priority_update(backend, &op);
    for (int i = 0; i < 2; i++) {
      std::vector<double> want(capacity, -1);
      double most = 1;
      for (int r = 0; r < rows; r++) {
        double sizes = 0;
        for (int k = 0; k < n_critics; k++)
          sizes += std::abs((double)q.at(i * n_critics + k, r, 0) - (double)y.at(i, r, 0));
        double one = std::pow(sizes / n_critics + 1e-6, 0.6);
        double &place = want[index[(size_t)(i * rows + r)]];
        place = std::max(place, one), most = std::max(most, one);
      }
      for (size_t k = 0; k < capacity; k++)
        ASSERT_NEAR(want[k] < 0 ? 1 : want[k], tree.leaf(i, k), tolerance(1e-5, 1e-12)) << k;
      ASSERT_NEAR(most, tree.largest[(size_t)i], tolerance(1e-5, 1e-12));
    }
    tree.expect_sums();
  }
}

// the sums do not remember how they came about: a tree that was updated is one made from its leaves
TEST_P(PriorityOps, SumsFollowFromThePrioritiesToTheLastBit) {
  Tree tree(3000), again(3000);
  const int rows = 200;
  enter(tree, 0, 2100, SAC_PRIORITY_APPEND);
  Stack q(2, rows, 1), y(2, rows, 1);
  std::vector<uint32_t> index(2 * rows);
  for (unsigned k = 0; k < 20; k++) {
    q.fill(k, 3), y.fill(100 + k);
    for (size_t p = 0; p < index.size(); p++) index[p] = (uint32_t)((p * 37 + k * 11) % 2000);
    sac_priority_update op = {tree.view(), rows, 1, 0.7, 1e-3, q.view(), y.view(), index.data()};
    ops->priority_update(backend, &op);
    enter(tree, 2100 + k, 1, SAC_PRIORITY_APPEND);
  }
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; k < 3000; k++) again.leaf(i, k) = tree.leaf(i, k);
  enter(again, 0, 3000, SAC_PRIORITY_GIVEN);
  ASSERT_EQ(tree.nodes, again.nodes);
}

SAC_EVERY_PLACE(PriorityOps);

}  // namespace
