"""Seeded faults: what the correction loop of `four_agents` does with flags of a stated accuracy.

A closed world with known truth: questions about tables of TabFact and TAT-QA whose right plan, and the right result of
each step, follow from the table. The four agents are simulated (`team`, `checker`): graph, prompts, tools, routing and
accounting are the real ones, the models are scripts that read the prompts and go wrong with stated chances (`mind`).
So it measures the loop's bookkeeping, and its arithmetic under stated accuracies of the judge, and not what any model
can do.
"""
