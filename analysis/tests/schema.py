"""Writes files of schema version 3 with h5py, as docs/results-layout.md states them."""

import itertools

import h5py
import numpy as np

import simulation

CELL = ("model", "mixture", "hardness", "n", "repeat")
RESULT = CELL + ("m", "k")
LIMIT = CELL + ("k",)
RESULTS = ("error_mean", "error_stderr", "error_median", "error_q05", "error_q95", "diverged_share")
NEWTON = ("newton_slope", "newton_r2")
THEORY = ("theory_error", "z_score", "exact_z", "predicted_error", "predicted_stderr")
DIFFERENCES = ("difference_stderr", "predicted_difference_stderr")
BEST = ("best_k", "best_k_first", "best_k_last", "predicted_best_k", "predicted_best_k_first", "predicted_best_k_last")
LIMITS = ("theory_limit", "theory_bound")
TRAINING = ("step_size", "step_size_paper", "gradient_norm", "final_loss", "preconditioner_error", "w24")
TRAINING += ("weakest_direction_error",)
TRAINING += ("spectral_radius",)
RECORDED = ("training_loss", "training_distance", "training_off_slice")
BASELINES = ("baseline_error", "baseline_stderr", "baseline_median")
PROMPTS = 100
D = 10

STRING_ATTRIBUTES = (
    "history date config_sha256 git_sha command_line hostname slurm_job_id mpi_version openblas_config "
    "openblas_corename matrix_products hdf5_version compiler compiler_flags rng cotscale_version"
).split()


def axes(models=("lsa",), mixtures=("matched",), hardness=(10.0,), n=(10, 20), repeats=1, m=(100,), steps=6, tasks=()):
    """The coordinates of a sweep: name to array, in the order of the layout."""
    return {
        "model": np.array(models, dtype=object),
        "mixture": np.array(mixtures, dtype=object),
        "hardness": np.array(hardness, dtype="f8"),
        "n": np.array(n, dtype="i8"),
        "repeat": np.arange(repeats, dtype="i8"),
        "m": np.array(m, dtype="i8"),
        "k": np.arange(steps + 1, dtype="i8"),
        "training_step": np.array([0, 1, 2, 4, 8], dtype="i8"),
        "baseline": np.array(["gradient_descent", "oracle"], dtype=object),
    } | ({"task": np.array(tasks, dtype=object)} if tasks else {})


FIG1 = dict(hardness=(10.0, 30.0, 100.0), n=(10, 20, 40), m=(1000,), steps=20)
FIG2A = dict(n=(8, 10, 12, 15, 20, 25, 30), m=(100,), steps=30)
MIXTURES = ("selected", "exact", "uniform", "easy", "hard", "relevant")
FIG3_DOWNSTREAM = dict(mixtures=MIXTURES, n=(50, 200), m=(1000,), repeats=3, steps=8, tasks=("0.2-20-0", "0.8-20-0"))
FIG4 = dict(models=("learned", "population", "free_w24"), mixtures=("matched", "skewed"), m=(40, 100, 2000), repeats=2)
FIG2C = dict(models=("gpt2", "lsa"), n=(20, 30, 40), m=(20, 30, 40), repeats=4, steps=10)
FIG2D = FIG2C | dict(mixtures=("skewed", "matched"), n=(20, 30), m=(20, 30))
FIG2B = dict(mixtures=("skewed", "matched"), n=(10, 20, 30, 100, 300), m=(40, 2000), steps=40)


def spectrum(mixture, hardness):
    """Eigenvalues of what the built-in mixture trains on, shape (D,)."""
    if mixture in ("skewed", "hard"):
        return simulation.power_law(D, 1.0)
    return np.ones(D) if mixture == "isotropic" else simulation.spectrum_of_hardness(D, hardness)


def write(path, title, done=lambda index: True, edit=lambda file: None, prompts=PROMPTS, **sweep):
    """Writes a file whose cells, where `done(index)` holds, are simulated; `edit(file)` may change it at the end."""
    coordinates = axes(**sweep)
    with h5py.File(path, "w", track_order=True) as file:
        _create(file, title, coordinates)
        cells = itertools.product(*(range(coordinates[name].size) for name in CELL))
        for index in filter(done, cells):
            _fill(file, coordinates, index, prompts)
        edit(file)
    return path


def fill(file, index, prompts=PROMPTS):
    """Simulates the cell at `index` of an open file and marks it done."""
    names = {name: file[name].asstr()[...] for name in ("model", "mixture")}
    numbers = {name: file[name][...] for name in ("hardness", "n", "repeat", "m", "k")}
    _fill(file, names | numbers, index, prompts)


def _create(file, title, coordinates):
    for name, values in coordinates.items():
        dtype = h5py.string_dtype() if values.dtype == object else values.dtype
        file.create_dataset(name, data=values, dtype=dtype).make_scale(name)
    shapes = [(RESULTS + THEORY + NEWTON + DIFFERENCES, RESULT, "f8", np.nan), (LIMITS, LIMIT, "f8", np.nan)]
    shapes += [(TRAINING, CELL, "f8", np.nan)]
    shapes += [(RECORDED, CELL + ("training_step",), "f8", np.nan), (("training_steps",), CELL, "i8", -1)]
    shapes += [(BASELINES, CELL + ("baseline", "m", "k"), "f8", np.nan)]
    shapes += [(("baseline_parameter",), CELL + ("baseline", "m"), "f8", np.nan)]
    shapes += [(("baseline_at_edge",), CELL + ("baseline", "m"), "i8", -1)]
    shapes += [(BEST + ("predicted_draws",), CELL + ("m",), "i8", -1)]
    shapes += [(("predicted_diverging_share",), CELL + ("m",), "f8", np.nan)]
    shapes += [(("task_probability",), CELL + ("task",), "f8", np.nan)] if "task" in coordinates else []
    shapes += [(("status", "attempt"), CELL, "i1", 0), (("converged", "training_diverged"), CELL, "i1", -1), (("rank",), CELL, "i4", -1)]
    shapes += [(("wall_seconds",), CELL, "f8", np.nan), (("start_time",), CELL, "i8", 0)]
    shapes += [(("checksum", "record_checksum"), CELL, "u8", 0)]
    shapes += [(("target_support_hardness",), ("hardness",), "f8", np.nan)]
    for names, dimensions, dtype, fill in shapes:
        for name in names:
            _create_variable(file, name, dimensions, "i4" if name == "attempt" else dtype, fill)
    _set_attributes(file, title, coordinates["model"])


def _create_variable(file, name, dimensions, dtype, fill):
    shape = [file[dimension].size for dimension in dimensions]
    variable = file.create_dataset(name, shape, dtype, fillvalue=fill)
    variable[...] = fill
    for axis, dimension in enumerate(dimensions):
        variable.dims[axis].attach_scale(file[dimension])
    units = {"start_time": "milliseconds since 1970-01-01 00:00:00", "wall_seconds": "s"}
    variable.attrs["units"] = units.get(name, "1")
    variable.attrs["long_name"] = name.replace("_", " ")


def _set_attributes(file, title, models):
    verdict = ([-1, 0, 1], "not_computed no yes")
    flags = {"status": ([0, 1, 2, 3], "pending done failed not_asked_for"), "converged": verdict, "training_diverged": verdict}
    for name, (values, meanings) in flags.items():
        file[name].attrs["flag_values"] = np.array(values, dtype="i1")
        file[name].attrs["flag_meanings"] = meanings
    _set_root(file, title, models)


def _set_root(file, title, models=()):
    configuration = f'[sweep]\nname = "{title}"\n\n[select]\nn = 200\nm = 1000\nk = 5\n'
    for model in models if "gpt2" in models else ():
        configuration += f'\n[models.{model}]\narchitecture = "{"gpt2" if model == "gpt2" else "lsa"}"\n'
    file.create_dataset("config_toml", data=configuration, dtype=h5py.string_dtype())
    file.attrs["Conventions"] = "CF-1.8"
    file.attrs["schema_version"] = np.int64(3)
    file.attrs["title"] = title
    provenance = file.create_group("provenance", track_order=True)
    for name in STRING_ATTRIBUTES:
        provenance.attrs[name] = "synthetic"
    for name in ("git_dirty", "mpi_size", "omp_num_threads", "seed"):
        provenance.attrs[name] = np.int64(1)


def _fill(file, coordinates, index, prompts):
    model, mixture, hardness, n, repeat = (coordinates[name][i] for name, i in zip(CELL, index))
    target = simulation.spectrum_of_hardness(D, hardness)
    contraction = simulation.gamma(spectrum(mixture, hardness), n)
    steps = coordinates["k"][-1]
    for position, m in enumerate(coordinates["m"]):
        if model == "gpt2" and m > n:
            continue
        errors = simulation.test_errors(target, contraction, m, steps, prompts, seed=[int(repeat), int(m)])
        _fill_statistics(file, index + (position,), errors)
        theory = file["theory_error"][index + (position,)]
        theory[:1] = D
        theory[1:2] = simulation.expected_error_after_one_step(target, contraction, m)
        file["theory_error"][index + (position,)] = theory
        measured = file["error_mean"][index + (position,)], file["error_stderr"][index + (position,)]
        file["z_score"][index + (position,)] = (measured[0] - theory) / measured[1]
        file["exact_z"][index + (position,)] = (measured[0] - theory) / measured[1]
        file["predicted_error"][index + (position,)] = errors.mean(axis=0)
        file["predicted_stderr"][index + (position,)] = 0.0
        for name in DIFFERENCES:
            file[name][index + (position,)] = 0.0
        file["predicted_draws"][index + (position,)] = PROMPTS
        file["predicted_diverging_share"][index + (position,)] = 0.0
        for name in BEST:
            file[name][index + (position,)] = errors.mean(axis=0).argmin()
        for name in BASELINES:
            file[name][index + (slice(None), position)] = D * 0.8 ** np.arange(steps + 1)
        if model == "gpt2":
            file["newton_slope"][index + (position,)] = np.r_[np.full(steps, 0.5), np.nan]
            file["newton_r2"][index + (position,)] = np.r_[np.full(steps, 0.25), np.nan]
    file["spectral_radius"][index] = np.abs(1 - target / contraction).max()
    if model in ("learned", "free_w24"):
        file["training_distance"][index] = [1, 0.9, 0.7, 0.3, 0.1]
        file["training_off_slice"][index] = [0, 0.3, 0.2, 0.1, 0.05]
        file["preconditioner_error"][index] = 0.01
    file["theory_limit"][index] = simulation.limit(target, contraction, steps)
    if mixture == "matched":
        file["theory_bound"][index] = simulation.bound(target, n, steps)
    file["training_steps"][index] = 10 if model in ("learned", "free_w24") else 0
    file["converged"][index] = 1
    file["training_diverged"][index] = 0
    file["attempt"][index] = 1
    file["rank"][index] = 0
    file["start_time"][index] = 1_700_000_000_000
    file["wall_seconds"][index] = 0.5
    file["status"][index] = 1


def _fill_statistics(file, index, errors):
    """`errors` has the shape (prompts, k)."""
    file["error_mean"][index] = errors.mean(axis=0)
    file["error_stderr"][index] = errors.std(axis=0, ddof=1) / np.sqrt(len(errors)) if len(errors) > 1 else np.nan
    for name, quantile in (("error_q05", 0.05), ("error_median", 0.5), ("error_q95", 0.95)):
        file[name][index] = np.quantile(errors, quantile, axis=0)
    file["diverged_share"][index] = 0.0


GENERATED = tuple(f"{alpha}-{b}-{i}" for alpha, b in itertools.product((0.2, 0.8), (20, 100)) for i in range(10))


def write_selection(path, name="fig3", tasks=GENERATED, draws=4, edit=lambda file: None):
    """Writes what `cotscale select` does, with random probabilities; draws None is a file of given candidates."""
    random = np.random.default_rng(0)
    solutions, leading = ["quadratic", "exact"], () if draws is None else ("draw",)
    plain = ["uniform", "easy", "hard", "relevant"]
    coordinates = {"solution": solutions, "problem": solutions, "plain": plain, "task": list(tasks)}
    with h5py.File(path, "w", track_order=True) as file:
        for axis, values in coordinates.items():
            file.create_dataset(axis, data=values, dtype=h5py.string_dtype()).make_scale(axis)
        if draws is not None:
            file.create_dataset("draw", data=np.arange(draws, dtype="i8")).make_scale("draw")
        axes = {"probability": leading + ("solution", "task"), "objective": leading + ("solution", "problem")}
        per_solution = ("objective_stderr", "objective_median", "objective_training", "tail_share")
        axes |= {name: leading + ("solution",) for name in per_solution}
        axes |= {name: leading + ("plain",) for name in ("plain_objective", "plain_objective_stderr")}
        axes |= {name: leading for name in ("stationarity", "descended", "samples", "fresh_samples", "settled")}
        axes |= {"kkt_residual": leading, "hardness": ("task",), "support_hardness": ("task",)}
        for variable, dimensions in axes.items():
            _create_variable(file, variable, dimensions, "f8", np.nan)
        probability = random.exponential(size=file["probability"].shape) ** 3
        file["probability"][...] = probability / probability.sum(axis=-1, keepdims=True)
        file["objective"][...] = random.uniform(1, 2, file["objective"].shape)
        file["kkt_residual"][...] = 1e-12
        file["objective_median"][...] = file["objective"][..., 1]
        file["objective_training"][...] = file["objective"][..., 1]
        file["objective_stderr"][...] = 0.01
        file["tail_share"][...] = 0.02
        file["plain_objective"][...] = random.uniform(2, 3, file["plain_objective"].shape)
        file["plain_objective_stderr"][...] = 0.01
        for variable, value in dict(stationarity=1e-5, descended=1, samples=64, fresh_samples=64, settled=1).items():
            file[variable][...] = value
        file["hardness"][...] = np.inf
        file["support_hardness"][...] = 20.0 + 10 * (np.arange(len(tasks)) // 10)
        _set_root(file, f"cotscale selection: {name}")
        edit(file)
    return path
