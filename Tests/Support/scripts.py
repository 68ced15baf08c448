"""Runs the tests' scripts, each in a process of its own that has the reference implementations loaded already.

A line of JSON on standard input asks for one: its `source`, its `name` and `arguments`, and the files for its `output` and
`errors`. A line on standard output says its exit status. It ends with standard input.
"""
import json
import os
import sys
import traceback
import types

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

# Loading these takes seconds, and most scripts need them.
import torch  # noqa: E402, F401
from transformers import (  # noqa: E402, F401
    AutoConfig, AutoProcessor, AutoTokenizer, BertModel, BertTokenizer, Blip2ForConditionalGeneration,
    Blip2ForImageTextRetrieval, Blip2Processor, BlipForConditionalGeneration, BlipImageProcessor, CLIPModel,
    OPTForCausalLM, T5ForConditionalGeneration)


def run(job):
    """Runs the script of `job` in this process, which ends with it."""
    for descriptor, path, flags in ((0, "/dev/null", os.O_RDONLY), (1, job["output"], os.O_WRONLY | os.O_TRUNC),
                                    (2, job["errors"], os.O_WRONLY | os.O_TRUNC)):
        os.dup2(os.open(path, flags), descriptor)
    sys.argv = [job["name"], *job["arguments"]]
    sys.path[0] = os.path.dirname(job["name"])
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = job["name"]
    status = 0
    try:
        exec(compile(job["source"], job["name"], "exec"), main.__dict__)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if status and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
