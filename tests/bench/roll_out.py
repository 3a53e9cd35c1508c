#!/usr/bin/env python3
"""Roll-outs on one thread: cotscale against PyTorch and JAX. Usage: roll_out.py [BUILD_DIRECTORY]

Each side prints us a prompt, us of drawing it, the mean error after 1 step, after 5; peers that for two ways of drawing."""
from pairs import BUILD, SMOKE, in_turn, peers, print_peers, require_same_numbers, require_same_work

found = peers(("lsa.py", "eager"), "lsa.py", "lsa_jax.py")
print("CPU us a prompt, one thread; ratios: how many times longer the peer takes, with its faster way of drawing")
SIZES = [(5, 10, 6, 80)] if SMOKE else [(10, 100, 30, 8000), (10, 1000, 30, 8000), (100, 400, 30, 400)]
for d, m, K, prompts in SIZES:
    sizes = d, m, K, prompts // 4
    (own,), *theirs = in_turn((BUILD / "bench_roll_out", d, m, K, prompts), *((*peer.command, *sizes) for peer in found))
    ours, our_draw, *errors = own
    require_same_work(errors, [way[2:] for *ways, _ in theirs for way in ways])
    require_same_numbers(found, [given for *_, given in theirs], 1e-9)
    best = [min(ways) for *ways, _ in theirs]
    print(f"d = {d}, m = {m}, K = {K}: {ours:.2f} us, {our_draw / ours:.0%} of them random numbers")
    print_peers(found, [way[0] for way in best], ours, unit="us")
    print("    without random numbers, ratios " + ", ".join(f"{(way[0] - way[1]) / (ours - our_draw):.1f}" for way in best))
