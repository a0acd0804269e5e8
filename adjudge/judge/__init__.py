"""The judge as users meet it."""

from adjudge.judge.judge import Judge
from adjudge.judge.portal import shared_portal

__all__ = ["Judge", "shared_portal"]
