package dev.s3llm.jcuda.internal.decode;

/**
 * Whether small decode steps run all layers of a device in one launch, where model and GPU allow.
 */
public enum WholeSteps {
  /** A launch for each part of a layer. */
  OFF,

  /** One launch, unless other processes may share the GPU. */
  UNSHARED,

  /** One launch. */
  ON
}
