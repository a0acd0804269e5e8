"""GRPO for judges: advantages that learn from groups without a right answer, watched and drawn.

    from adjudge.training.grpo.settings import GroupSettings
    from adjudge.training.grpo.trainer import JudgeGRPOTrainer

    trainer = JudgeGRPOTrainer(model, [verdict, tool_use], config, rows, rollout_func=rollouts, groups=GroupSettings())

Importing this package loads neither torch nor trl; `trainer` and `monitor` do.
"""
