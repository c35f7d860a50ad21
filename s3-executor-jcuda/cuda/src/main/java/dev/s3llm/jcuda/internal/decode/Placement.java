package dev.s3llm.jcuda.internal.decode;

import java.util.List;

/**
 * The devices of a model.
 *
 * @param devices numbers of the devices, at least one
 * @param cut whether every device has a part of all layers; else each has some whole layers
 */
public record Placement(List<Integer> devices, boolean cut) {
  /** Copies the list. */
  public Placement {
    devices = List.copyOf(devices);
  }
}
