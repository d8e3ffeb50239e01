"""The parts of a deck: plain HTML, CSS and SVG, without scripts and without anything from the network."""
