"""PyTorch on a GPU with the whole step as one CUDA graph, which is replayed."""

import torch  # noqa: TID251 - a peer

from benchmark_peers.task import Task
from benchmark_peers.with_torch import Eager

__all__ = ["Graph"]

_WARM_UP = 3  # steps on a side stream, as PyTorch asks for before it captures


class Graph(Eager):
    """Gather, loss, gradients and update; the rows are copied into the graph's own tensor."""

    def __init__(self, task: Task, device: str) -> None:
        super().__init__(task, device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.rows = torch.zeros(task.batch_size, dtype=torch.int64, device=self.device)

    def step(self, rows: torch.Tensor) -> torch.Tensor:
        """Replay the step on these rows and return a copy of its loss."""
        self.rows.copy_(rows)
        if self.graph is None:
            return self.capture()
        self.graph.replay()
        return self.loss.clone()

    def capture(self) -> torch.Tensor:
        """Take the first step, then capture one; what the warm-up changes is put back."""
        kept = {name: value.clone() for name, value in self.net.state_dict().items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                super().step(self.rows)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = super().step(self.rows)
        self.net.load_state_dict(kept)  # copies in place, into what the graph writes
        self.graph.replay()
        return self.loss.clone()
