// What models are trained on when they learn from sampled prompts: a part each in src/train/objectives, listed in
// parts.cpp there. Each model has its own way to the losses, and to their gradients, that an objective asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cotscale/config/keys.hpp"

namespace cotscale {

/// w_{i+1} from w_i.
enum class process_targets : std::uint8_t {
  geometric,         ///< w_i + η (w − w_i), that is w_i = (1 − (1 − η)^i) w
  gradient_descent,  ///< w_i + η (Xy/n − Ŝ w_i); it diverges on prompts with η ‖Ŝ‖ > 2
};

/// A chain that is given, from w_0 = 0.
struct taught_chain {
  process_targets targets = process_targets::geometric;
  double eta = 0.5;  ///< η
};

/// What the loss of a prompt is made of. With o_i the output at token e_i (model/lsa_chain.hpp) and e_0 = (0, 0, 0, 1)
/// it is the mean over i = 0 … k − 1 of ½‖o_i − (0, 0, w, 1)‖², all rows, where tokens are e_{i+1} = o_i, taken as
/// constants: no gradient goes through them. The members say what is otherwise.
struct objective_form {
  bool has_chain = true;        ///< k may be more than one
  bool draws_length = false;    ///< k is drawn for each batch, uniform in 1 … longest_chain(); else it is that
  bool through_tokens = false;  ///< the gradient goes through the tokens
  bool last_estimate = false;  ///< the loss is ½‖ŵ − w‖² with ŵ the weight rows of o_{k − 1}, those rows only
  std::optional<taught_chain> taught = {};  ///< tokens are the constants e_i = (0, 0, w_i, 1) (teacher forcing), and
                                            ///< o_i is to be (0, 0, w_{i+1}, 1)
};

class training_objective {
 public:
  virtual ~training_objective() = default;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<training_objective> clone() const = 0;
  /// It is raised when the numbers change that the same keys stand for.
  virtual int version() const = 0;
  virtual void keys(config::keys&) {}

  virtual objective_form form() const = 0;
  /// Steps of the longest chain in training.
  virtual int longest_chain() const { return 1; }

 protected:
  training_objective() = default;
  training_objective(const training_objective&) = default;
  training_objective& operator=(const training_objective&) = default;
};

/// All there are, in the order of the documentation.
std::span<const training_objective* const> all_objectives();

/// The objective of that word; `values` are its keys, as lines of TOML: "k_train = 3". Throws specification_error.
std::shared_ptr<const training_objective> objective_named(std::string_view word, const std::string& values = "");

/// The loss of one prompt: the model's, and that of the estimate 0 at every step.
struct prompt_loss {
  double model = 0;
  double zero = 0;
};

}  // namespace cotscale
