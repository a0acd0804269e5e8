"""LangChain both ways: any of its chat models as a `ChatModel`, and any `ChatModel` as one of its chat models.

    model = LangChainModel("anthropic:claude-sonnet-4-5")      # or an instance of any BaseChatModel
    agent = create_agent(to_langchain(model), tools=[…])

LangChain is imported when first used, so that importing this package is cheap; `langchain-core` comes with LangGraph.
"""

from adjudge.models.langchain.messages import from_langchain_message, to_langchain_messages
from adjudge.models.langchain.offered import to_langchain
from adjudge.models.langchain.wrapped import LangChainModel

__all__ = ["LangChainModel", "from_langchain_message", "to_langchain", "to_langchain_messages"]
