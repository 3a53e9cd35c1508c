// Specifications that the fuzzer mutates.
#pragma once

#include <string>

namespace cotscale {

inline const std::string lsa_text = R"([sweep]
name = "fuzz"
seed = 3
models = ["lsa", "closed", "learned", "staged"]
mixtures = ["matched", "skewed", "mine", "mixed", "hard"]
hardness = [4.0, 9.5]
n = [10, 20]
repeats = 2
[task]
d = 3
[target]
rotation = "shared"
[test]
k = 3
m = [5, 6]
prompts = 100
sampler = "auto"
baselines = true
[theory]
draws = 8
[tasks]
exponents = [0.2]
directions = [1, 3]
each = 1
[select]
m = inf
k = 4
samples = 2
[models.lsa]
architecture = "lsa"
tolerance = 1e-6
max_steps = 1000
[models.closed]
architecture = "lsa"
training = "closed_form"
[models.learned]
architecture = "lsa"
training = "samples"
objective = "process"
k_train = 3
optimizer = "sgd"
momentum = 0.5
steps = 50
[models.staged]
architecture = "lsa"
initialisation = "random"
[[models.staged.stages]]
mixture = "skewed"
training = "samples"
steps = 20
[[models.staged.stages]]
training = "samples"
objective = "outcome"
k_train = 2
steps = 10
[mixtures.mixed]
probabilities = [1, 0.5]
[mixtures.mine]
spectrum = "list"
eigenvalues = [1, 0.5, 0]
scale = "trace"
)";

inline const std::string gpt2_text = R"([sweep]
name = "fuzz"
models = ["free", "tiny", "teacher", "lsa"]
mixtures = ["matched", "uniform", "mixed"]
n = [6, 8]
repeats = 2
[task]
d = 3
[target]
spectrum = "power_law"
exponent = 0.5
scale = "trace"
rotation = "independent"
[test]
k = 2
m = [4, 6]
prompts = 10
[theory]
draws = 8
most_draws = 32
rarest = 0.01
[tasks]
exponents = [0.2]
directions = [1, 3]
each = 1
[models.free]
architecture = "gpt2"
size = "free"
layers = 2
heads = 2
width = 16
objective = "rollout"
k_train = 3
optimizer = "adamw"
weight_decay = 0.05
learning_rate = 1e-3
warm_up = 3
clip_norm = 1.0
steps = 50
batch = 8
keep_weights = true
dimension_start = 1
dimension_step = 1
dimension_every = 3
examples_start = 2
examples_step = 2
examples_every = 2
[models.tiny]
architecture = "gpt2"
size = "tiny"
training = "samples"
initialisation = "gpt2"
positions = "sinusoidal"
weight_positions = "shared"
objective = "outcome"
k_train = 2
optimizer = "sgd"
momentum = 0.5
steps = 20
[models.teacher]
architecture = "gpt2"
size = "small"
objective = "process"
k_train = 4
targets = "gd"
eta = 0.2
optimizer = "adam"
beta1 = 0.5
beta2 = 0.9
epsilon = 1e-5
schedule = "constant"
fresh_prompts = false
[models.lsa]
architecture = "lsa"
[mixtures.mixed]
probabilities = [1, 0.5]
)";

inline const std::string rows_text = R"([sweep]
name = "fuzz"
models = ["lsa"]
mixtures = ["matched", "skewed", "others", "gauss", "mine"]
n = [10, 20]
[task]
d = 3
noise = 0.5
[target]
features = "rows"
rows_file = "fuzzed-rows.csv"
rows_scale = "trace"
centre = false
[test]
k = 2
m = [5, 6]
prompts = 100
[models.lsa]
architecture = "lsa"
[mixtures.others]
features = "rows"
rows_file = "fuzzed-rows.csv"
dataset = "y"
rows_scale = "unit_variance"
[mixtures.gauss]
features = "gaussian"
[mixtures.mine]
spectrum = "list"
eigenvalues = [1, 0.5, 0]
scale = "trace"
rotation = "independent"
)";

inline const std::string selection_text = R"([sweep]
name = "fuzz"
seed = 3
[task]
d = 6
[target]
spectrum = "list"
eigenvalues = [4, 2, 1, 1, 0.5, 0.25]
scale = "trace"
rotation = "shared"
[tasks]
exponents = [0.2, 0.8]
directions = [3, 6]
each = 3
[select]
n = 10
m = 40
k = 2
samples = 4
max_samples = 64
draws = 3
)";

}  // namespace cotscale
