"""VGG: depth from nothing but 3 x 3 convolutions.

K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, Table 1.

    configuration   A       A-LRN       B       C           D       E
    here            vgg11   vgg11_lrn   vgg13   vgg16_1x1   vgg16   vgg19
    parameters      133     133         133     134         138     144 million

variant="torchvision" (the default of vgg11, 13, 16, 19 and of the forms with batch normalisation after each convolution, vgg11_bn, 13, 16,
19): what the published weights fit. Its initial weights are those of He et al. (ICCV 2015).

variant="paper": the same layers with the initial weights of Glorot & Bengio (AISTATS 2010), with which, the paper says at the end of
section 3.1, training needs no networks that were trained before. The forms with batch normalisation are not in the paper; A-LRN and C
are only there.
"""
from functools import partial

from minicnn import functional as F, nn
from minicnn.data import photographs, transforms
from minicnn.models.alexnet import response_norm
from minicnn.models.classifier import Classifier, Network, Recipe
from minicnn.models.fully_convolutional import score_map

# The columns of Table 1: a number is a 3 x 3 convolution with so many filters, "1x1" one of 1 x 1 with as many as the one before, "lrn"
# local response normalisation, "pool" the maximum of 2 x 2.
CONFIGURATIONS = {
    "vgg11": (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"),
    "vgg11_lrn": (64, "lrn", "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"),
    "vgg13": (64, 64, "pool", 128, 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"),
    "vgg16_1x1": (64, 64, "pool", 128, 128, "pool", 256, 256, "1x1", "pool", 512, 512, "1x1", "pool", 512, 512, "1x1", "pool"),
    "vgg16": (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512, "pool"),
    "vgg19": (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512, 512, 512, 512, "pool"),
}


class VGG(Classifier):
    """(N, 3, 224, 224) -> scores (N, classes)."""

    input_shape, resize = (3, 224, 224), 256
    recipe = Recipe(epochs=74, batch_size=256, optimizer="sgd", lr=0.01, weight_decay=5e-4, schedule="plateau",   # section 3.1
                    crop=(photographs.ScaleShorterSide((256, 512)), photographs.RandomCrop(224)),
                    augmentation=(transforms.RandomFlip(), transforms.Lighting(0.1)))
    maps_size = (7, 7)   # of what the fully connected layers see

    def __init__(self, configuration, num_classes=1000, batch_norm=False):
        self.features = nn.Sequential(*feature_layers(configuration, batch_norm))   # (N, 512, 7, 7), halved at each pool
        self.layer_names = names_of(self.features)
        self.avgpool = nn.AdaptiveAvgPool2d(self.maps_size)
        self.classifier = nn.Sequential(                                            # (N, 25088)
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x):
        return self.classifier(F.flatten(self.avgpool(self.features(x)), 1))

    def dense(self, x):
        return score_map(self.features(x), self.classifier, self.maps_size).mean((2, 3))


def feature_layers(configuration, batch_norm):
    """The layers up to the last pool."""
    channels = 3
    for entry in configuration:
        if entry == "pool":
            yield nn.MaxPool2d(2)
        elif entry == "lrn":
            yield response_norm()
        else:
            filters, size = (channels, 1) if entry == "1x1" else (entry, 3)
            yield nn.Conv2d(channels, filters, size, padding=size // 2)
            if batch_norm:
                yield nn.BatchNorm2d(filters)
            yield nn.ReLU()
            channels = filters


def names_of(features):
    """How the layers are commonly called: "conv3_2" is the second convolution after the second pool."""
    names, stage, number = {}, 1, 0
    for place, layer in enumerate(features):
        if isinstance(layer, nn.Conv2d):
            number += 1
            names[f"conv{stage}_{number}"] = f"features.{place}"
        elif isinstance(layer, nn.MaxPool2d):
            names[f"pool{stage}"] = f"features.{place}"
            stage, number = stage + 1, 0
    return names | {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}


def initialise(network, variant):
    for module in network.modules():
        if variant == "paper" and isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_normal_(module.weight)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        else:
            continue
        nn.init.zeros_(module.bias)


def build(name, batch_norm, variant, num_classes):
    with nn.init.skipped():
        network = VGG(CONFIGURATIONS[name], num_classes, batch_norm)
    initialise(network, variant)
    return network


NETWORKS = {}
for _name in CONFIGURATIONS:
    if _name in ("vgg11_lrn", "vgg16_1x1"):
        NETWORKS[_name] = Network(partial(build, _name, False), ("paper",))
    else:
        NETWORKS[_name] = Network(partial(build, _name, False), ("torchvision", "paper"))
        NETWORKS[f"{_name}_bn"] = Network(partial(build, _name, True), ("torchvision",))
