"""A process that takes vLLM's flags and answers like it, or misbehaves as `FAKE_VLLM` says.

`die` ends at once with a traceback, `silent` never answers, `foreign` serves another model, `stubborn` ignores SIGTERM
and has a child that does so too, `chatty` prints without end. A message "die now" ends it in the middle of a call.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODE = os.environ.get("FAKE_VLLM", "")
WORDS = sys.argv[1:]
ADAPTERS: dict[str, str] = {}


def flag(name: str) -> str:
    return WORDS[WORDS.index(name) + 1]


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = "someone-else" if MODE == "foreign" else flag("--served-model-name")
        if self.path == "/health":
            self.answer(200, {})
        elif self.path == "/v1/models" and self.allowed():
            self.answer(200, {"data": [{"id": name, "owned_by": "vllm"}, *({"id": a} for a in ADAPTERS)]})
        else:
            self.answer(404, {"error": {"message": "Not Found"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.allowed():
            self.answer(401, {"error": "Unauthorized"})
        elif self.path == "/v1/chat/completions":
            self.chat(body)
        elif self.path == "/v1/load_lora_adapter" and "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in os.environ:
            self.load(body)
        elif self.path == "/v1/unload_lora_adapter" and "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in os.environ:
            known = ADAPTERS.pop(body["lora_name"], None)
            message = {"error": {"message": f"The lora adapter '{body['lora_name']}' cannot be found."}}
            self.answer(200, {}) if known else self.answer(404, message)
        else:
            self.answer(404, {"error": {"message": "Not Found"}})

    def chat(self, body: dict[str, Any]) -> None:
        text = body["messages"][-1]["content"]
        if "die now" in text:
            print("EngineDeadError: the engine is gone", flush=True)
            os._exit(3)
        told = {"pid": os.getpid(), "model": body["model"], "structured": "structured_outputs" in body}
        message = {"role": "assistant", "content": json.dumps(told)}
        self.answer(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def load(self, body: dict[str, Any]) -> None:
        if body["lora_name"] in ADAPTERS and not body["load_inplace"]:
            self.answer(400, {"error": {"message": "has already been loaded"}})
            return
        ADAPTERS[body["lora_name"]] = body["lora_path"]
        raw = b"Success: LoRA adapter added successfully."
        self.send_response(200)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def allowed(self) -> bool:
        key = os.environ.get("VLLM_API_KEY")
        return key is None or self.headers.get("authorization") == f"Bearer {key}"

    def answer(self, status: int, data: dict[str, Any]) -> None:
        raw = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    print(f"pid {os.getpid()}", flush=True)
    print("words " + json.dumps(WORDS), flush=True)
    if MODE == "die":
        raise RuntimeError("Engine core initialization failed: not enough memory")
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(f"child {child.pid}", flush=True)
    if MODE == "silent":
        time.sleep(60)
    if MODE == "chatty":
        threading.Thread(target=chatter, daemon=True).start()
    ThreadingHTTPServer((flag("--host"), int(flag("--port"))), Answers).serve_forever()


def chatter() -> None:
    while True:
        sys.stdout.write("x" * 100_000)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
