"""SqueezeNet v1.1: AlexNet's accuracy with a fiftieth of its parameters. Its ImageNet weights ship with the package.

F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and <0.5MB model size", arXiv:1602.07360, 2016. v1.1 is the authors' revision of it: 3 x 3 instead of 7 x 7 kernels in the first layer and
pools that come earlier, 2.4 times fewer multiplications at the same accuracy. 1,235,496 parameters.

variant="padded" (the default): the form for which the weights that ship come: 227 x 227 pixels, a border of 1 around the input of the
first convolution (what TensorFlow calls 'same' at this size), and pools that leave out windows that are cut off ('valid').

variant="torchvision": the layers of the authors' own Caffe model and of torchvision's squeezenet1_1, here for 224 x 224 pixels: no border
in the first convolution, and pools with the windows that are cut off (ceil_mode). Parameters have the same names and shapes in both.

The weights begin as in torchvision: uniform after He et al. (2015), normal in the last convolution.
"""
import pathlib

from minicnn import functional as F, nn
from minicnn.data import photographs, transforms
from minicnn.models.classifier import Classifier, Network, Recipe

EMBEDDED = pathlib.Path(__file__).parent / "embedded" / "squeezenet" / "squeezenet1_1.safetensors"   # ImageNet weights of "padded"


class Fire(nn.Module):
    """(N, channels, H, W) -> (N, 2 expand, H, W): 1 x 1 kernels to few channels, then 1 x 1 and 3 x 3 kernels to many. Figure 1."""

    def __init__(self, channels, squeeze, expand):
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return F.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(Classifier):
    """(N, 3, 227, 227) -> scores (N, classes)."""

    input_shape, resize = (3, 227, 227), 256
    layer_names = {"conv1": "features.0", "pool1": "features.2", "fire2": "features.3", "fire3": "features.4", "pool3": "features.5",
                   "fire4": "features.6", "fire5": "features.7", "pool5": "features.8", "fire6": "features.9", "fire7": "features.10",
                   "fire8": "features.11", "fire9": "features.12", "conv10": "classifier.1", "pool10": "classifier.3"}   # of v1.1
    padding, ceil_mode = 1, False   # of the first convolution; of the pools
    # The authors' solver: 170,000 steps of 512 images.
    recipe = Recipe(epochs=68, batch_size=512, optimizer="sgd", lr=0.04, weight_decay=2e-4, schedule="linear",
                    crop=(photographs.ScaleShorterSide(256), photographs.RandomCrop(227)), augmentation=(transforms.RandomFlip(),))

    def __init__(self, num_classes=1000):
        self.features = nn.Sequential(                                 # (N, 3, 227, 227)
            nn.Conv2d(3, 64, 3, stride=2, padding=self.padding),       # (N, 64, 114, 114)
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=self.ceil_mode),              # (N, 64, 56, 56)
            Fire(64, 16, 64),                                          # (N, 128, 56, 56)
            Fire(128, 16, 64),                                         # (N, 128, 56, 56)
            nn.MaxPool2d(3, 2, ceil_mode=self.ceil_mode),              # (N, 128, 27, 27)
            Fire(128, 32, 128),                                        # (N, 256, 27, 27)
            Fire(256, 32, 128),                                        # (N, 256, 27, 27)
            nn.MaxPool2d(3, 2, ceil_mode=self.ceil_mode),              # (N, 256, 13, 13)
            Fire(256, 48, 192),                                        # (N, 384, 13, 13)
            Fire(384, 48, 192),                                        # (N, 384, 13, 13)
            Fire(384, 64, 256),                                        # (N, 512, 13, 13)
            Fire(512, 64, 256))                                        # (N, 512, 13, 13)
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Conv2d(512, num_classes, 1),                            # (N, classes, 13, 13)
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1))                                   # (N, classes, 1, 1)
        self._initialise()

    def _initialise(self):
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.classifier[1].weight, 0, 0.01)

    def forward(self, x):
        return F.flatten(self.classifier(self.features(x)), 1)


class TorchvisionSqueezeNet(SqueezeNet):
    """(N, 3, 224, 224) -> scores (N, classes); maps of 111, 55, 27 and 13 pixels."""

    input_shape = (3, 224, 224)
    padding, ceil_mode = 0, True
    recipe = SqueezeNet.recipe._replace(crop=(photographs.ScaleShorterSide(256), photographs.RandomCrop(224)))


def build(variant, num_classes):
    return {"padded": SqueezeNet, "torchvision": TorchvisionSqueezeNet}[variant](num_classes)


NETWORKS = {"squeezenet": Network(build, ("padded", "torchvision"))}
