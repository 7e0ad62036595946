"""ZFNet: AlexNet, improved after a look inside.

M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, Figure 3. Pictures of AlexNet's features (chapter
Visualizing CNNs) showed dead and aliased filters in its first layers, so these look at 7 x 7 pixels in steps of 2 instead of 11 x 11 in
steps of 4, and no layer is split between GPUs. 62,357,608 parameters.

There is one variant, "paper". Maps are normalised across channels as AlexNet's are: the paper names the step and gives no constants for it.
Where its sizes need a border of one pixel (110, 55 and 13), the layer has it.
"""
from minicnn import functional as F, nn
from minicnn.autograd import no_grad
from minicnn.models.alexnet import AlexNet, PaperAlexNet, response_norm
from minicnn.models.classifier import Classifier, Network

RADIUS = 0.1   # section 3: largest root mean square of a filter


class ZFNet(Classifier):
    """(N, 3, 224, 224) -> scores (N, classes)."""

    input_shape, resize, maps_size = AlexNet.input_shape, AlexNet.resize, AlexNet.maps_size
    recipe = AlexNet.recipe._replace(epochs=70)   # section 3

    def __init__(self, num_classes=1000):
        with nn.init.skipped():
            self.conv1 = nn.Conv2d(3, 96, 7, stride=2, padding=1)
            self.conv2 = nn.Conv2d(96, 256, 5, stride=2)
            self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
            self.conv4 = nn.Conv2d(384, 384, 3, padding=1)
            self.conv5 = nn.Conv2d(384, 256, 3, padding=1)
            self.norm1, self.norm2 = response_norm(), response_norm()
            self.fc6 = nn.Linear(9216, 4096)
            self.fc7 = nn.Linear(4096, 4096)
            self.fc8 = nn.Linear(4096, num_classes)
            self.drop6, self.drop7 = nn.Dropout(), nn.Dropout()
        for layer in self.children():   # section 3
            if hasattr(layer, "weight"):
                nn.init.normal_(layer.weight, 0, 0.01)
                nn.init.zeros_(layer.bias)

    def features(self, x):                           # (N, 3, 224, 224)
        x = F.relu(self.conv1(x))                    # (N, 96, 110, 110)
        x = self.norm1(F.max_pool2d(x, 3, 2, 1))     # (N, 96, 55, 55)
        x = F.relu(self.conv2(x))                    # (N, 256, 26, 26)
        x = self.norm2(F.max_pool2d(x, 3, 2, 1))     # (N, 256, 13, 13)
        x = F.relu(self.conv3(x))                    # (N, 384, 13, 13)
        x = F.relu(self.conv4(x))                    # (N, 384, 13, 13)
        x = F.relu(self.conv5(x))                    # (N, 256, 13, 13)
        return F.max_pool2d(x, 3, 2)                 # (N, 256, 6, 6)

    classifier, forward, dense = PaperAlexNet.classifier, PaperAlexNet.forward, PaperAlexNet.dense

    def after_step(self):
        """Section 3: a convolution's filter whose root mean square exceeds RADIUS is scaled back to it, lest a few dominate."""
        with no_grad():
            for layer in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
                size = (layer.weight * layer.weight).mean((1, 2, 3), keepdim=True).sqrt()
                excess = F.relu(size - RADIUS)
                layer.weight.copy_(layer.weight * (RADIUS / (RADIUS + excess)))


NETWORKS = {"zfnet": Network(lambda variant, num_classes: ZFNet(num_classes), ("paper",))}
