"""How the built-in image-text model is made, from public icons and words to the ONNX files; run time never imports it."""
