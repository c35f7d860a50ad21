package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/** Reads the tensors of a speech model, and finds those that were not read. */
final class SpeechTensors {
  private final TensorSource source;
  private final Set<String> read = new HashSet<>();

  SpeechTensors(TensorSource source) {
    this.source = source;
  }

  /** Returns the elements of a tensor. */
  float[] read(String name, long... shape) {
    read.add(name);
    return source.tensor(name, shape).floats();
  }

  /**
   * Refuses a source with tensors that were not read.
   *
   * @throws ModelFormatException naming one of them
   */
  void refuseUnread() {
    Set<String> unread = new TreeSet<>(source.names());
    unread.removeAll(read);
    if (!unread.isEmpty()) {
      throw new ModelFormatException(
          "the weights have %d tensors that the configuration does not name, such as %s: do config.json and the weights belong together?"
              .formatted(unread.size(), unread.iterator().next()));
    }
  }
}
