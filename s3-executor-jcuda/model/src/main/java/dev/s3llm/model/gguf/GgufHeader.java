package dev.s3llm.model.gguf;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of one GGUF file, as the format's specification in llama.cpp's {@code docs/gguf.md}
 * has it: magic, version, counts, metadata, the tensors' names, shapes, types and offsets, then the
 * data at the next multiple of the alignment.
 *
 * @param metadata values by key, in the order of the file
 * @param tensors tensors by name, in the order of the file
 */
record GgufHeader(Map<String, Object> metadata, Map<String, Entry> tensors) {
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final long GIT_LFS = 0x206E6F6973726576L; // "version "
  private static final String ALIGNMENT = "general.alignment";
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final int MAX_KEYS = 1 << 16;
  private static final int MAX_TENSORS = 1 << 20;
  private static final int MAX_DIMENSIONS = 4;

  /** Bytes of the shortest key and value: a length, a type and a byte. */
  private static final int KEY_BYTES = 13;

  /** Bytes of the shortest entry of a tensor: length, dimensions, type, offset. */
  private static final int TENSOR_BYTES = 24;

  /**
   * One tensor's place.
   *
   * @param type number format
   * @param shape dimensions, outermost first
   * @param elements product of the dimensions
   * @param offset position of the first byte: in the file once the header is read
   */
  record Entry(GgufType type, List<Long> shape, long elements, long offset) {
    long bytes() {
      return type.bytes(elements);
    }

    private Entry from(long start) {
      return new Entry(type, shape, elements, Math.addExact(offset, start));
    }
  }

  static GgufHeader read(Path path, FileChannel channel) throws IOException {
    GgufInput input = new GgufInput(path, channel);
    requireKind(input);
    int tensorCount = input.count("the number of tensors", TENSOR_BYTES, MAX_TENSORS);
    int keyCount = input.count("the number of metadata keys", KEY_BYTES, MAX_KEYS);
    Map<String, Object> metadata = new LinkedHashMap<>();
    GgufValues values = new GgufValues(input);
    for (int i = 0; i < keyCount; i++) {
      String key = input.text("a metadata key");
      if (metadata.put(key, values.read(key)) != null) {
        throw input.bad("the metadata key %s is there twice".formatted(key));
      }
    }
    Map<String, Entry> tensors = tensors(input, tensorCount);
    place(input, alignment(input, metadata), tensors);
    return new GgufHeader(
        Collections.unmodifiableMap(metadata), Collections.unmodifiableMap(tensors));
  }

  private static void requireKind(GgufInput input) throws IOException {
    if (input.size() < 24) {
      throw input.bad("the file has %d bytes, too few for a GGUF header".formatted(input.size()));
    }
    int magic = input.i32();
    int version = input.i32();
    if ((((long) version << 32) | (magic & 0xFFFFFFFFL)) == GIT_LFS) {
      throw input.bad(
          "the file is a pointer of Git LFS, not the model itself; run 'git lfs pull' in its folder"
              + " or download the file");
    }
    if (magic != MAGIC) {
      throw input.bad("the file does not begin with 'GGUF', so it is no GGUF file");
    }
    if (version != 2 && version != 3) {
      boolean swapped = version != 0 && (version & 0xFFFF) == 0;
      throw input.bad(
          (swapped
                  ? "the file is big-endian; convert it for little-endian processors"
                  : "the file is of GGUF version %s, supported are 2 and 3; convert the model again")
              .formatted(Integer.toUnsignedString(version)));
    }
  }

  private static Map<String, Entry> tensors(GgufInput input, int count) throws IOException {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String name = input.text("a tensor's name");
      if (tensors.put(name, entry(input, "tensor " + name)) != null) {
        throw input.bad("tensor %s is there twice".formatted(name));
      }
    }
    return tensors;
  }

  private static Entry entry(GgufInput input, String what) throws IOException {
    int dimensions = input.i32();
    if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
      throw input.bad(
          "%s has %s dimensions, the limit is %d"
              .formatted(what, Integer.toUnsignedString(dimensions), MAX_DIMENSIONS));
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (int i = 0; i < dimensions; i++) {
      long size = input.i64();
      shape.add(0, size);
      if (size < 0) {
        throw input.bad("%s has a dimension of %s".formatted(what, GgufInput.unsigned(size)));
      }
      elements = exact(input, what, elements, size);
    }
    int number = input.i32();
    GgufType type =
        GgufType.of(number)
            .orElseThrow(
                () ->
                    input.bad(
                        "%s is of the unknown type %s; supported: %s"
                            .formatted(
                                what, Integer.toUnsignedString(number), GgufType.readable())));
    long row = shape.isEmpty() ? 1 : shape.get(shape.size() - 1);
    if (row % type.blockElements() != 0) {
      throw input.bad(
          "%s has rows of %d elements, but %s has blocks of %d"
              .formatted(what, row, type, type.blockElements()));
    }
    return new Entry(type, List.copyOf(shape), elements, input.i64());
  }

  private static long exact(GgufInput input, String what, long elements, long size) {
    try {
      return Math.multiplyExact(elements, size);
    } catch (ArithmeticException e) {
      throw input.bad("%s has more than 2^63 elements".formatted(what));
    }
  }

  private static long alignment(GgufInput input, Map<String, Object> metadata) {
    Object value = metadata.getOrDefault(ALIGNMENT, (long) DEFAULT_ALIGNMENT);
    if (!(value instanceof Long bytes)
        || bytes < 1
        || bytes > 1 << 20
        || Long.bitCount(bytes) != 1) {
      throw input.bad(
          "%s is %s, but must be a power of two up to 2^20".formatted(ALIGNMENT, value));
    }
    return bytes;
  }

  /** Turns offsets from the start of the data into positions in the file, and checks them. */
  private static void place(GgufInput input, long alignment, Map<String, Entry> tensors) {
    long start = (input.position() + alignment - 1) / alignment * alignment;
    long room = Math.max(0, input.size() - start);
    for (Map.Entry<String, Entry> named : tensors.entrySet()) {
      Entry tensor = named.getValue();
      String what = "tensor " + named.getKey();
      if (tensor.offset < 0 || tensor.offset % alignment != 0) {
        throw input.bad(
            "%s has the offset %s, which is no multiple of the alignment %d"
                .formatted(what, GgufInput.unsigned(tensor.offset), alignment));
      }
      if (tensor.offset > room || bytes(input, what, tensor) > room - tensor.offset) {
        throw input.bad(
            "%s ends beyond the file, which has %d bytes; copy or download it again"
                .formatted(what, input.size()));
      }
      named.setValue(tensor.from(start));
    }
    requireApart(input, tensors);
  }

  private static long bytes(GgufInput input, String what, Entry tensor) {
    try {
      return tensor.bytes();
    } catch (ArithmeticException e) {
      throw input.bad("%s has more than 2^63 bytes".formatted(what));
    }
  }

  private static void requireApart(GgufInput input, Map<String, Entry> tensors) {
    List<Map.Entry<String, Entry>> sorted =
        tensors.entrySet().stream()
            .filter(named -> named.getValue().elements > 0)
            .sorted(Comparator.comparingLong(named -> named.getValue().offset))
            .toList();
    for (int i = 1; i < sorted.size(); i++) {
      Entry before = sorted.get(i - 1).getValue();
      if (before.offset + before.bytes() > sorted.get(i).getValue().offset) {
        throw input.bad(
            "tensors %s and %s overlap"
                .formatted(sorted.get(i - 1).getKey(), sorted.get(i).getKey()));
      }
    }
  }

  /**
   * Returns an integer of the metadata.
   *
   * @throws ModelFormatException if it is no integer in the range
   */
  int integer(Path path, String key, int least, int most) {
    Object value = metadata.get(key);
    if (value instanceof Long number && number >= least && number <= most) {
      return number.intValue();
    }
    throw new ModelFormatException(
        "%s: %s is %s, but must be an integer from %d to %d"
            .formatted(path, key, value == null ? "missing" : value, least, most));
  }
}
