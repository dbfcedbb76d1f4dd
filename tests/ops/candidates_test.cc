// Rows repeated, and the best of the candidates that critics have judged.
#include <algorithm>

#include "ops/fixture.h"

using namespace sac_test;

namespace {

class CandidateOps : public Ops {};

TEST_P(CandidateOps, EveryRowIsRepeatedInPlace) {
  Stack x(2, 70, 5, 3), y(2, 70 * 3, 5, 2);
  x.fill(1);
  sac_row_repeat op = {2, 70, 5, 3, x.view(), y.view()};
  ops->row_repeat(backend, &op);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 70 * 3; r++)
      for (int j = 0; j < 5; j++) ASSERT_EQ(x.at(i, r / 3, j), y.at(i, r, j));
  y.expect_padding_kept();
}

TEST_P(CandidateOps, TheActionIsTheFirstWithTheLargestQ) {
  const int n = 2, rows = 70, times = 9, critics = 3, act_dim = 2;
  for (sac_actor_q actor_q : {SAC_ACTOR_MIN, SAC_ACTOR_FIRST, SAC_ACTOR_MEAN}) {
    Stack q(n * critics, rows * times, 1), candidate(n, rows * times, act_dim, 3);
    Stack action(n, rows, act_dim, 1);
    q.fill(1), candidate.fill(2);
    for (int k = 0; k < n * critics; k++) q.at(k, 4, 0) = q.at(k, 2, 0) = 9;  // a tie in row 0
    sac_action_choice op = {
        n, rows, times, critics, act_dim, actor_q, q.view(), candidate.view(), action.view()};
    ops->action_choice(backend, &op);
    for (int i = 0; i < n; i++)
      for (int r = 0; r < rows; r++) {
        auto worth = [&](int t) {
          double first = (double)q.at(i * critics, r * times + t, 0), least = first, sum = 0;
          for (int k = 0; k < critics; k++) {
            double one = (double)q.at(i * critics + k, r * times + t, 0);
            least = std::min(least, one), sum += one;
          }
          return actor_q == SAC_ACTOR_MIN ? least : actor_q == SAC_ACTOR_MEAN ? sum : first;
        };
        int best = 0;
        for (int t = 1; t < times; t++)
          if (worth(t) > worth(best)) best = t;
        if (r == 0) {
          ASSERT_EQ(best, 2);
        }
        for (int j = 0; j < act_dim; j++)
          ASSERT_EQ(candidate.at(i, r * times + best, j), action.at(i, r, j));
      }
    action.expect_padding_kept();
  }
}

SAC_EVERY_PLACE(CandidateOps);

}  // namespace
