package dev.s3llm.model;

import dev.s3llm.model.io.MappedFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * A safetensors file: eight bytes of header length, a JSON header, and the bytes of the tensors.
 * The file is mapped where it is read, by several threads if need be.
 */
public final class SafetensorsFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final MappedFile mapped;
  private final Map<String, SafetensorsHeader.Entry> tensors;

  private SafetensorsFile(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.tensors = SafetensorsHeader.read(path, channel);
    this.mapped = new MappedFile(channel, channel.size());
  }

  /**
   * Opens a file and checks its whole header.
   *
   * @param path the file
   * @throws ModelFormatException naming the file, the tensor and what is wrong
   */
  public static SafetensorsFile open(Path path) {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new ModelFormatException(path + " cannot be opened: " + e.getMessage(), e);
    }
    try {
      return new SafetensorsFile(path, channel);
    } catch (IOException | RuntimeException e) {
      try {
        channel.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e instanceof ModelFormatException known
          ? known
          : new ModelFormatException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Returns the names of the tensors, in the order of the header. */
  public Iterable<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /** Returns the bytes of all tensors of a number type, by its name in the file. */
  Map<String, Long> bytesByType() {
    Map<String, Long> bytes = new TreeMap<>();
    tensors.values().forEach(entry -> bytes.merge(entry.dtype(), entry.bytes(), Math::addExact));
    return bytes;
  }

  /**
   * Returns whether the file has a tensor of a name.
   *
   * @param name name of a tensor
   */
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  /**
   * Returns a tensor of fp32, fp16 or bf16; its pieces are mapped when they are read.
   *
   * @param name name of the tensor
   * @param shape the expected dimensions, outermost first
   * @throws ModelFormatException if the tensor is missing, or has another shape or type
   */
  public Tensor tensor(String name, long... shape) {
    SafetensorsHeader.Entry entry = tensors.get(name);
    if (entry == null) {
      throw new ModelFormatException(path + " has no tensor " + name);
    }
    requireShape(name, entry, shape);
    ElementType type =
        entry
            .type()
            .orElseThrow(
                () ->
                    bad(name, "is of type " + entry.dtype() + ", readable are F32, F16 and BF16"));
    RawTensor raw = raw(name);
    return new Tensor(
        raw.label(),
        type,
        entry.elements(),
        (first, count) -> raw.slices().read(type.bytes(first), Math.toIntExact(type.bytes(count))));
  }

  /**
   * Returns a tensor of any number type, as bytes.
   *
   * @param name name of the tensor
   * @throws ModelFormatException if the tensor is missing
   */
  public RawTensor raw(String name) {
    SafetensorsHeader.Entry entry = tensors.get(name);
    if (entry == null) {
      throw new ModelFormatException(path + " has no tensor " + name);
    }
    String label = path + ": tensor " + name;
    return new RawTensor(
        label,
        entry.dtype(),
        entry.shape(),
        entry.bytes(),
        (first, count) -> {
          Objects.checkFromIndexSize(first, count, entry.bytes());
          return mapped.read(label, entry.offset() + first, count);
        });
  }

  private void requireShape(String name, SafetensorsHeader.Entry tensor, long[] shape) {
    boolean same = tensor.shape().size() == shape.length;
    for (int i = 0; same && i < shape.length; i++) {
      same = tensor.shape().get(i) == shape[i];
    }
    if (!same) {
      throw bad(
          name,
          "has shape %s, but the configuration needs %s"
              .formatted(tensor.shape(), Arrays.toString(shape)));
    }
  }

  private ModelFormatException bad(String name, String what) {
    return new ModelFormatException(path + ": tensor " + name + " " + what);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new ModelFormatException(path + " cannot be closed", e);
    }
  }
}
