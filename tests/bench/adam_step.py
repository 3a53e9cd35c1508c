#!/usr/bin/env python3
"""Steps of Adam on all of LSA's parameters, one thread: cotscale against automatic differentiation of PyTorch and JAX. Usage:
adam_step.py [BUILD_DIRECTORY]

Each side prints us a step, us of random numbers, the first loss, the loss around step 90."""
from pairs import BUILD, SMOKE, in_turn, peers, print_peers, require_same_numbers, require_same_work

found = peers(("lsa_adam.py", "eager"), "lsa_adam.py", "lsa_adam_jax.py")
print("CPU us a step, one thread; ratios: how many times longer the peer takes")
for sizes in [(3, 5, 16)] if SMOKE else [(5, 20, 256), (20, 40, 256)]:
    (own,), *theirs = in_turn((BUILD / "bench_adam_step", *sizes), *((*peer.command, *sizes) for peer in found))
    ours, our_draw, *losses = own
    require_same_work(losses, [row[2:] for single, double, _ in theirs for row in (single, double)])
    require_same_numbers(found, [given for _, _, given in theirs], 1e-9)
    print("d = {}, n = {}, batch {}:".format(*sizes), f"{ours:.0f} us in double precision, {our_draw / ours:.0%} of them drawing prompts")
    for i, precision in enumerate(("single", "double")):
        shares = ", ".join(f"{peer[i][1] / peer[i][0]:.0%}" for peer in theirs)
        print(f"  {precision} precision (drawing alone takes {shares} of the peers' steps)")
        print_peers(found, [peer[i][0] for peer in theirs], ours, unit="us")
