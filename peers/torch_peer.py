"""Training steps of the default U-Net in PyTorch: single precision, channels last, Adam.

Not in requirements.txt, for its size: `pip install torch` in peers/.venv, or it is left out.
"""

import pathlib

import torch
from torch import nn

import peer

torch.set_num_threads(peer.THREADS)


def pair(inputs, outputs):
    def half(inputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    return nn.Sequential(*half(inputs), *half(outputs))


class UNet(nn.Module):
    """Four levels of 16 channels."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([pair(1, 16), pair(16, 16), pair(16, 16), pair(16, 16)])
        self.up = nn.ModuleList([pair(32, 16), pair(32, 16), pair(32, 16)])
        self.out = nn.Conv2d(16, 1, 1)
        self.shrink = nn.MaxPool2d(2)
        self.enlarge = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, x):
        left = [self.down[0](x)]
        for level in self.down[1:]:
            left.append(level(self.shrink(left[-1])))
        x = left.pop()
        for level in self.up:
            x = level(torch.cat([left.pop(), self.enlarge(x)], 1))
        return self.out(x)


def workload(name):
    batch = int(name.removeprefix("unet-"))
    torch.manual_seed(1)
    net = UNet().to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    x = torch.randn(batch, 1, 64, 64).to(memory_format=torch.channels_last)
    target = torch.randn(batch, 1, 64, 64)

    def work():
        optimiser.zero_grad(set_to_none=True)
        loss = 0.5 * ((net(x) - target) ** 2).sum() / batch
        loss.backward()
        optimiser.step()
        return 0

    return work


def peak_memory():
    """The most memory that this process ever held, in MiB."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    peer.serve(workload, peak_memory)
