package dev.s3llm.model.gguf;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.io.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A GGUF file of version 2 or 3, or all files of a model that was split ({@code
 * …-00001-of-00003.gguf}). Headers are read and checked when the file is opened; tensors are mapped
 * into memory as they are read, and can be read by several threads.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the specification</a>
 */
public final class GgufFile implements AutoCloseable {
  private final Path path;
  private final Map<String, Object> metadata;
  private final Map<String, Part> tensors = new LinkedHashMap<>();
  private final List<FileChannel> channels = new ArrayList<>();

  /** A tensor's entry and its file. */
  private record Part(GgufHeader.Entry entry, String label, MappedFile file) {

    ByteBuffer read(ElementType type, long first, int count) {
      Objects.checkFromIndexSize(first, count, entry.elements());
      return file.read(label, entry.offset() + type.bytes(first), type.bytes(count));
    }
  }

  private GgufFile(Path path) {
    this.path = path;
    try {
      GgufHeader first = add(path);
      if (first.metadata().containsKey(GgufSplits.COUNT)) {
        close();
        tensors.clear();
        channels.clear();
        metadata = addAll(GgufSplits.paths(path, first));
      } else {
        metadata = first.metadata();
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Opens a file, and its siblings if the model is split.
   *
   * @param path the file, or any file of a split model
   * @throws ModelFormatException if a file is missing, damaged or of another kind; names the file,
   *     what is wrong and what to do
   */
  public static GgufFile open(Path path) {
    return new GgufFile(path);
  }

  private Map<String, Object> addAll(List<Path> paths) {
    List<GgufHeader> headers = paths.stream().map(this::add).toList();
    for (int i = 0; i < headers.size(); i++) {
      GgufSplits.requirePlace(paths.get(i), headers.get(i), i, headers.size());
    }
    GgufSplits.requireTotal(path, headers.get(0), tensors.size());
    return headers.get(0).metadata();
  }

  private GgufHeader add(Path file) {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      channels.add(channel);
      GgufHeader header = GgufHeader.read(file, channel);
      MappedFile mapped = new MappedFile(channel, channel.size());
      header.tensors().forEach((name, entry) -> add(file, mapped, name, entry));
      return header;
    } catch (IOException e) {
      throw new ModelFormatException(file + " cannot be read: " + e, e);
    }
  }

  private void add(Path file, MappedFile mapped, String name, GgufHeader.Entry entry) {
    String label = file + ": tensor " + name;
    if (tensors.put(name, new Part(entry, label, mapped)) != null) {
      throw new ModelFormatException(label + " is also in another file of the split model");
    }
  }

  /** Returns the file that was opened. */
  public Path path() {
    return path;
  }

  /**
   * Returns the metadata by key, in the order of the file; unmodifiable. Texts are {@code String},
   * integers of any width {@code Long}, floats {@code Double}, booleans {@code Boolean}; arrays are
   * {@code List<String>}, {@code long[]}, {@code double[]} or {@code boolean[]}, which are not
   * copies.
   */
  public Map<String, Object> metadata() {
    return metadata;
  }

  /** Returns the names of the tensors as in the file, such as {@code blk.0.attn_q.weight}. */
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /**
   * Returns whether there is a tensor of a name.
   *
   * @param name name as in the file
   */
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  /**
   * Returns the dimensions of a tensor, outermost first (files have them innermost first).
   *
   * @param name name as in the file
   * @throws ModelFormatException if there is no such tensor
   */
  public List<Long> shape(String name) {
    return part(name).entry.shape();
  }

  /**
   * Returns the name of a tensor's number format, such as {@code Q4_K}; it may be one whose
   * elements cannot be read.
   *
   * @param name name as in the file
   * @throws ModelFormatException if there is no such tensor
   */
  public String format(String name) {
    return part(name).entry.type().name();
  }

  /**
   * Returns the size of a tensor in bytes, in its stored format.
   *
   * @param name name as in the file
   * @throws ModelFormatException if there is no such tensor
   */
  public long bytes(String name) {
    return part(name).entry.bytes();
  }

  /**
   * Returns a tensor in its stored format, readable while this file is open.
   *
   * @param name name as in the file
   * @param shape the expected dimensions, outermost first
   * @throws ModelFormatException if there is no such tensor, it has another shape, or its format is
   *     not supported
   */
  public Tensor tensor(String name, long... shape) {
    Part part = part(name);
    GgufHeader.Entry entry = part.entry;
    if (!entry.shape().equals(Arrays.stream(shape).boxed().toList())) {
      throw new ModelFormatException(
          "%s has shape %s, but the configuration needs %s"
              .formatted(part.label, entry.shape(), Arrays.toString(shape)));
    }
    ElementType type =
        entry
            .type()
            .element()
            .orElseThrow(
                () ->
                    new ModelFormatException(
                        "%s is of type %s, which is not supported; supported: %s"
                            .formatted(part.label, entry.type(), GgufType.readable())));
    return new Tensor(
        part.label, type, entry.elements(), (first, count) -> part.read(type, first, count));
  }

  private Part part(String name) {
    Part part = tensors.get(name);
    if (part == null) {
      throw new ModelFormatException(path + " has no tensor " + name);
    }
    return part;
  }

  /**
   * Closes the files; tensors of them can no longer be read.
   *
   * @throws ModelFormatException if a file cannot be closed
   */
  @Override
  public void close() {
    for (FileChannel channel : channels) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new ModelFormatException(path + " cannot be closed", e);
      }
    }
  }
}
