"""Convolutional modules as people write them."""

import sys

import torch
import torch.nn.functional as F
from torch import nn


class LeNet5(nn.Module):
    """Functional, as in the tutorials; 1 x 28 x 28 by default."""

    def __init__(self, channels=1, size=28, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2 if size == 28 else 0)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 16 * 5 * 5)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return self.fc3(F.relu(self.fc2(x)))


class VGG11(nn.Module):
    """As in torchvision, with `features`, `avgpool` and `classifier`; widths times `factor`."""

    def __init__(self, factor=0.25, classes=10):
        super().__init__()
        layers, below = [], 3
        for n in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
            if n == "M":
                layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            else:
                layers += [nn.Conv2d(below, int(n * factor), kernel_size=3, padding=1), nn.ReLU(inplace=True)]
                below = int(n * factor)
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        width = int(4096 * factor)
        self.classifier = nn.Sequential(
            nn.Linear(below * 49, width), nn.ReLU(True), nn.Dropout(), nn.Linear(width, width), nn.ReLU(True), nn.Dropout(), nn.Linear(width, classes),
        )  # fmt: skip

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


def sequential(*layers, activation=None, outputs=3):
    """Layers on 1 x 8 x 8, then a dense head for as many numbers as they give."""
    with torch.no_grad():
        inputs = nn.Sequential(*layers, nn.Flatten()).eval()(torch.zeros(1, 1, 8, 8)).shape[1]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, 7), activation or nn.ReLU(), nn.Linear(7, outputs))


class Forward(nn.Module):
    """Two convolutions and a dense layer on 1 x 8 x 8, and a forward of one's own."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b, self.fc = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4 * 64, 3)
        self.pool, self.bn, self.own = nn.MaxPool2d(2), nn.BatchNorm2d(4), forward

    def forward(self, x):
        return self.own(self, x)


def small():
    """3 convolutions and 2 dense layers on 1 x 8 x 8; `--model tests.networks.modules:small`."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 10),
    )  # fmt: skip


def ending():
    """A factory in a script that ends with the program."""
    sys.exit(0)


def refusing():
    """A factory that fails."""
    raise RuntimeError("no GPU here")
