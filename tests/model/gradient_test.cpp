// Whole networks against their textbook twin: forward, and the gradient of every weight against the
// complex-step derivative.

#include <gtest/gtest.h>

#include "nn/head.h"
#include "tests/support/complex_step.h"
#include "tests/support/head_twin.h"
#include "tests/support/model_twin.h"
#include "tests/support/op_testing.h"
#include "tests/support/tiny_models.h"

namespace retort::model::gradient_test {
namespace {

using testing::Complex;
using testing::Floats;
using testing::ModelTwin;

constexpr float kTemperature = 0.7f;

/// Groups of sequences, a prediction after every token of a continuation and after the prompt, and
/// what each counts: loss = Σ a·log-probability + b·entropy + balance losses.
struct Lesson {
  struct Group {
    std::vector<int32_t> prompt;
    std::vector<std::vector<int32_t>> continuations;
  };
  std::vector<Group> groups;
  BalanceOptions balance;
  Floats a, b;
  std::vector<int32_t> targets;

  int64_t predictions() const {
    int64_t count = 0;
    for (const Group& group : groups) {
      for (const auto& continuation : group.continuations) {
        count += static_cast<int64_t>(continuation.size()) + 1;
      }
    }
    return count;
  }
};

Lesson MakeLesson(int64_t vocabulary) {
  const auto tokens = [&](std::string_view name, int64_t count) {
    return testing::RandomTokens(name, count, vocabulary);
  };
  Lesson lesson;
  lesson.groups = {{tokens("prompt 0", 4), {tokens("a", 3), tokens("b", 1), {}}},
                   {tokens("prompt 1", 1), {tokens("c", 4)}}};
  lesson.balance = {.sequence_alpha = 0.3, .batch_alpha = 0.2};
  lesson.a = testing::Normals("a", lesson.predictions());
  lesson.b = testing::Normals("b", lesson.predictions());
  lesson.targets = tokens("targets", lesson.predictions());
  return lesson;
}

struct Learned {
  Floats logprob, entropy;
  nn::ParameterStore gradients;
  double balance_loss = 0;
  std::vector<std::vector<int64_t>> loads = {};
};

/// How backward is done.
struct How {
  bool defer = false;        // the weight gradients, to the end
  bool from_packed = false;  // input gradients read the packed form
  int64_t cut = 0;           // before this stage: two passes, each with what it needs of its own
};

/// Forward and backward by the engine.
Learned Learn(LanguageModel& model, nn::Compute& compute, const Lesson& lesson, const How& how) {
  Batch batch;
  std::vector<int32_t> rows;
  for (const Lesson::Group& group : lesson.groups) {
    const int64_t last = batch.size() + static_cast<int64_t>(group.prompt.size()) - 1;
    const std::vector<std::span<const int32_t>> parts(group.continuations.begin(),
                                                      group.continuations.end());
    const std::vector<int64_t> first = batch.AddGroup(group.prompt, parts);
    for (size_t s = 0; s < parts.size(); ++s) {
      rows.push_back(static_cast<int32_t>(last));
      for (size_t i = 0; i < parts[s].size(); ++i) {
        rows.push_back(static_cast<int32_t>(first[s]) + static_cast<int32_t>(i));
      }
    }
  }
  Learned learned{Floats(rows.size()), Floats(rows.size()), model.values().Like()};
  Floats dhidden(static_cast<size_t>(batch.size() * model.hidden_size()));
  const nn::Mat dh(dhidden.data(), batch.size(), model.hidden_size());
  Tape below, tape;
  below.balance = tape.balance = lesson.balance;
  const auto weights = model.Packed(compute);
  Workspace workspace(compute), workspace_below(compute);
  const Network& network = model.network();
  nn::Mat between;
  if (how.cut > 0) {
    between = network.Forward(*weights, workspace_below, batch, &below, {0, how.cut}, {});
  }
  const nn::Mat h =
      network.Forward(*weights, workspace, batch, &tape, {how.cut, network.stages()}, between);
  const nn::HeadArgs head{.hidden = h,
                          .w = &weights->head(),
                          .predictions = lesson.predictions(),
                          .rows = rows.data(),
                          .targets = lesson.targets.data(),
                          .temperature = kTemperature,
                          .logprob = learned.logprob.data(),
                          .entropy = learned.entropy.data()};
  nn::Head(compute, head);
  nn::HeadGrad(compute, {.forward = head,
                         .weight = how.from_packed ? nn::ConstMat()
                                                   : model.values().mat(model.network().head()),
                         .dlogprob = lesson.a.data(),
                         .dentropy = lesson.b.data(),
                         .dhidden = dh,
                         .dw = learned.gradients.mat(model.network().head())});
  const Network::Gradients gradients{how.from_packed ? nullptr : &model.values(), learned.gradients,
                                     how.defer};
  const nn::Mat dx = network.Backward(*weights, workspace, tape, dh, gradients);
  if (how.cut > 0) network.Backward(*weights, workspace_below, below, dx, gradients);
  if (how.defer) tape.RunWeightGrads(compute);
  learned.balance_loss = below.balance_loss + tape.balance_loss;
  learned.loads = tape.loads;
  return learned;
}

template <class S>
struct TwinResult {
  std::vector<S> logprob, entropy;
  S balance_loss = 0;
  std::vector<std::vector<int64_t>> loads;

  S Loss(const Lesson& lesson) const {
    return testing::WeightedSum(lesson.a, logprob) + testing::WeightedSum(lesson.b, entropy) +
           balance_loss;
  }
};

/// The same by the twin: every sequence on its own, its prompt included.
template <class S>
TwinResult<S> RunTwin(const ModelConfig& config, const typename ModelTwin<S>::Weights& weights,
                      const Lesson& lesson) {
  ModelTwin<S> twin(config, weights);
  TwinResult<S> result;
  std::vector<int64_t> lengths;
  for (const Lesson::Group& group : lesson.groups) {
    for (const auto& continuation : group.continuations) {
      std::vector<int32_t> tokens = group.prompt;
      tokens.insert(tokens.end(), continuation.begin(), continuation.end());
      lengths.push_back(static_cast<int64_t>(tokens.size()));
      const std::vector<S> hidden = twin.Hidden(tokens);
      testing::HeadTwinArgs head{
          static_cast<int64_t>(hidden.size() / tokens.size()), {}, {}, kTemperature};
      for (size_t i = group.prompt.size() - 1; i < tokens.size(); ++i) {
        head.targets.push_back(lesson.targets[result.logprob.size() + head.rows.size()]);
        head.rows.push_back(static_cast<int32_t>(i));
      }
      const auto scores = testing::HeadTwin(hidden, twin.Head(), head);
      result.logprob = testing::Joined(result.logprob, scores.logprob);
      result.entropy = testing::Joined(result.entropy, scores.entropy);
    }
  }
  for (const auto& [layer, gate] : twin.gates()) {
    int64_t begin = 0;
    std::vector<int64_t> all;
    for (const int64_t length : lengths) {
      std::vector<int64_t> rows(static_cast<size_t>(length));
      std::iota(rows.begin(), rows.end(), begin);
      begin += length;
      all.insert(all.end(), rows.begin(), rows.end());
      result.balance_loss +=
          lesson.balance.sequence_alpha * testing::BalanceTwin(gate.shape, gate.scores, rows, {});
    }
    result.balance_loss += lesson.balance.batch_alpha *
                           testing::BalanceTwin(gate.shape, gate.scores, all, gate.experts);
    auto& loads = result.loads.emplace_back(static_cast<size_t>(gate.shape.experts));
    for (const int32_t e : gate.experts) ++loads[static_cast<size_t>(e)];
  }
  return result;
}

template <class S>
typename ModelTwin<S>::Weights WeightsOf(LanguageModel& model) {
  typename ModelTwin<S>::Weights weights;
  for (const nn::ParameterInfo& p : model.values().layout().all()) {
    const std::span<const float> values = std::as_const(model).values()[p.name];
    weights[p.name].assign(values.begin(), values.end());
  }
  return weights;
}

double Norm(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} * v;
  return std::sqrt(sum);
}

constexpr double kStep = 1e-40;

/// A tiny model after one pass of learning; its forward is compared at once.
struct Compared {
  const ModelConfig& config;
  Executor executor{2};
  nn::Compute compute{executor};
  std::unique_ptr<LanguageModel> model = testing::TinyModel(config);
  Lesson lesson = MakeLesson(model->vocab_size());
  ModelTwin<Complex>::Weights point = WeightsOf<Complex>(*model);
  Learned got = Learn(*model, compute, lesson, {});

  explicit Compared(const ModelConfig& config) : config(config) {
    const auto want = RunTwin<double>(config, WeightsOf<double>(*model), lesson);
    EXPECT_LT(testing::RelativeDifference(got.logprob, want.logprob), 1e-5);
    EXPECT_LT(testing::RelativeDifference(got.entropy, want.entropy), 1e-5);
    EXPECT_NEAR(got.balance_loss, want.balance_loss, 1e-5 * want.balance_loss);
    EXPECT_EQ(got.loads, want.loads);
  }

  /// Of the twin's loss, along the imaginary parts of `point`.
  double Slope() const {
    return RunTwin<Complex>(config, point, lesson).Loss(lesson).imag() / kStep;
  }
};

class WholeModel : public ::testing::TestWithParam<testing::NamedConfig> {};

TEST_P(WholeModel, ForwardAndEveryGradientMatchTheTwin) {
  Compared c(GetParam().config);
  for (const nn::ParameterInfo& p : c.got.gradients.layout().all()) {
    const std::span<const float> gradient = c.got.gradients[p.name];
    if (!p.trainable) {
      EXPECT_EQ(Norm(gradient), 0) << p.name;
      continue;
    }
    std::vector<double> slopes;
    for (Complex& weight : c.point.at(p.name)) {
      weight += Complex(0, kStep);
      slopes.push_back(c.Slope());
      weight = weight.real();
    }
    EXPECT_LT(testing::RelativeDifference(Floats(gradient.begin(), gradient.end()), slopes), 1e-4)
        << p.name;
  }
}

TEST_P(WholeModel, DeferredWeightGradientsAndThoseOfThePackedFormAreTheSameBits) {
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(GetParam().config);
  const Lesson lesson = MakeLesson(model->vocab_size());
  const Floats at_once = testing::Numbers(Learn(*model, compute, lesson, {}).gradients);
  for (const How& how : {How{.defer = true}, How{.from_packed = true}}) {
    const Floats got = testing::Numbers(Learn(*model, compute, lesson, how).gradients);
    EXPECT_TRUE(testing::SameBits(got, at_once)) << how.defer;
  }
}

// What a pipeline does: the network in two, wherever it is cut.
TEST_P(WholeModel, CutBetweenAnyTwoStagesComputesTheSameBits) {
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(GetParam().config);
  const Lesson lesson = MakeLesson(model->vocab_size());
  const Learned whole = Learn(*model, compute, lesson, {});
  for (int64_t cut = 1; cut < model->network().stages(); ++cut) {
    const Learned got = Learn(*model, compute, lesson, {.cut = cut});
    EXPECT_TRUE(testing::SameBits(got.logprob, whole.logprob)) << cut;
    EXPECT_TRUE(
        testing::SameBits(testing::Numbers(got.gradients), testing::Numbers(whole.gradients)))
        << cut;
    EXPECT_DOUBLE_EQ(got.balance_loss, whole.balance_loss) << cut;
  }

  Batch batch;
  batch.AddGroup(lesson.groups[0].prompt, {});
  const auto weights = model->Packed(compute);
  Workspace workspace(compute), below(compute);
  const Network& network = model->network();
  const nn::Mat h = network.Forward(*weights, workspace, batch);
  const Floats want(h.data, h.data + h.rows * h.cols);
  for (int64_t cut = 1; cut < network.stages(); ++cut) {
    const nn::Mat between = network.Forward(*weights, below, batch, nullptr, {0, cut}, {});
    const nn::Mat got =
        network.Forward(*weights, workspace, batch, nullptr, {cut, network.stages()}, between);
    EXPECT_TRUE(testing::SameBits(Floats(got.data, got.data + got.rows * got.cols), want)) << cut;
  }
  EXPECT_THROW(network.Forward(*weights, below, batch, nullptr, {1, 1}, h), Error);
  EXPECT_THROW(network.Forward(*weights, below, batch, nullptr, {1, 2}, {}), Error);
}

INSTANTIATE_TEST_SUITE_P(Kinds, WholeModel, ::testing::ValuesIn(testing::TinyConfigs()),
                         [](const auto& info) { return info.param.name; });

// Weights by the thousand: slopes along random directions instead of every axis. A direction takes
// a tensor, or the same tensor of all experts.
TEST(WideMixture, GradientsOf256ExpertsMatchTheTwin) {
  const ModelConfig config = testing::WidePolicyConfig();
  Compared c(config);
  std::map<std::string, std::vector<const nn::ParameterInfo*>> groups;
  for (const nn::ParameterInfo& p : c.got.gradients.layout().all()) {
    if (!p.trainable) continue;
    const size_t expert = p.name.find(".experts.");
    const bool routed = expert != std::string::npos;
    groups[routed ? p.name.substr(p.name.find(".", expert + 9)) : p.name].push_back(&p);
  }
  EXPECT_EQ(groups.at(".down_proj.weight").size(), 256u);
  RandomStream random({.seed = 1, .purpose = "directions"});
  for (const auto& [name, parameters] : groups) {
    constexpr int kDirections = 6;
    double difference = 0, norm = 0;
    for (int i = 0; i < kDirections; ++i) {
      double got = 0;
      for (const nn::ParameterInfo* p : parameters) {
        auto weight = c.point.at(p->name).begin();
        for (const float gradient : c.got.gradients[p->name]) {
          const double direction = random.Normal();
          *weight = Complex(weight->real(), kStep * direction);
          ++weight;
          got += direction * gradient;
          if (i == 0) norm += double{gradient} * gradient;
        }
      }
      difference += std::pow(got - c.Slope(), 2);
      for (const nn::ParameterInfo* p : parameters) {
        for (Complex& weight : c.point.at(p->name)) weight = weight.real();
      }
    }
    // A normal direction sees the norm of the difference, in the mean of squares.
    EXPECT_LT(std::sqrt(difference / kDirections), 1e-4 * std::sqrt(norm)) << name;
  }
}

}  // namespace
}  // namespace retort::model::gradient_test
