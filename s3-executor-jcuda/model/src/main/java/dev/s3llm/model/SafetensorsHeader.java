package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.json.JsonFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the header of a safetensors file. Files come from an operator, who is trusted; the checks
 * find files that are cut off or damaged before memory is taken for what they declare.
 */
final class SafetensorsHeader {
  private static final long MAX_HEADER_BYTES = 100_000_000;
  private static final int LENGTH_BYTES = 8;
  private static final long GIT_LFS = 0x206E6F6973726576L; // "version "

  private final Path path;

  /** Number of bytes behind the header. */
  private final long dataBytes;

  private final long dataStart;

  /**
   * One tensor's place.
   *
   * @param dtype number type as the file names it
   * @param shape dimensions, outermost first
   * @param elements product of the dimensions
   * @param offset position of the first byte in the file
   * @param bytes size of all elements
   */
  record Entry(String dtype, List<Long> shape, long elements, long offset, long bytes) {

    /** Returns the number type; empty if this module cannot read it. */
    Optional<ElementType> type() {
      return SafetensorsHeader.type(dtype);
    }
  }

  private SafetensorsHeader(Path path, long dataStart, long fileSize) {
    this.path = path;
    this.dataStart = dataStart;
    this.dataBytes = fileSize - dataStart;
  }

  /** Returns the tensors by name, in the order of the header. */
  static Map<String, Entry> read(Path path, FileChannel channel) throws IOException {
    long fileSize = channel.size();
    if (fileSize < LENGTH_BYTES) {
      throw new ModelFormatException(path + " has " + fileSize + " bytes, too few for a header");
    }
    long length = readFully(path, channel, 0, LENGTH_BYTES).getLong(0);
    if (length == GIT_LFS) {
      throw new ModelFormatException(
          path
              + " is a pointer of Git LFS, not the weights themselves; run 'git lfs pull' in its"
              + " folder or download the file");
    }
    if (length < 2 || length > MAX_HEADER_BYTES || length > fileSize - LENGTH_BYTES) {
      throw new ModelFormatException(
          "%s: header length is %s, but must be from 2 to %d"
              .formatted(
                  path,
                  Long.toUnsignedString(length),
                  Math.min(MAX_HEADER_BYTES, fileSize - LENGTH_BYTES)));
    }
    byte[] json = readFully(path, channel, LENGTH_BYTES, (int) length).array();
    return new SafetensorsHeader(path, LENGTH_BYTES + length, fileSize)
        .parse(JsonFile.parse(path + " header", json));
  }

  private static ByteBuffer readFully(Path path, FileChannel channel, long at, int count)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, at + buffer.position()) < 0) {
        throw new ModelFormatException(path + " ends within its header");
      }
    }
    return buffer;
  }

  private Map<String, Entry> parse(JsonNode header) {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    long end = 0;
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      String name = entry.getKey();
      if (!name.equals("__metadata__")) {
        String where = path + ": tensor " + name;
        tensors.put(name, parseTensor(where, entry.getValue()));
        end = Math.max(end, entry.getValue().path("data_offsets").path(1).asLong());
      }
    }
    if (end != dataBytes) {
      throw new ModelFormatException(
          "%s has %d bytes, but its tensors end at %d"
              .formatted(path, dataStart + dataBytes, dataStart + end));
    }
    return tensors;
  }

  private Entry parseTensor(String where, JsonNode json) {
    JsonNode offsets = json.path("data_offsets");
    JsonNode dims = json.path("shape");
    String dtype = json.path("dtype").asText("");
    boolean wellFormed =
        offsets.isArray() && offsets.size() == 2 && dims.isArray() && !dtype.isEmpty();
    if (!wellFormed || !offsets.get(0).canConvertToLong() || !offsets.get(1).canConvertToLong()) {
      throw new ModelFormatException(where + " needs dtype, shape and two data_offsets");
    }
    long begin = offsets.get(0).asLong();
    long end = offsets.get(1).asLong();
    if (begin < 0 || end < begin) {
      throw new ModelFormatException("%s has data_offsets [%d, %d]".formatted(where, begin, end));
    }
    if (end > dataBytes) {
      throw new ModelFormatException(where + " ends beyond the file");
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (JsonNode dim : dims) {
      if (!dim.canConvertToLong() || !dim.isIntegralNumber() || dim.asLong() < 0) {
        throw new ModelFormatException(where + " has a dimension of " + dim);
      }
      shape.add(dim.asLong());
      elements = multiply(where, elements, dim.asLong());
    }
    requireBytes(where, dtype, shape, elements, end - begin);
    return new Entry(dtype, List.copyOf(shape), elements, dataStart + begin, end - begin);
  }

  private static void requireBytes(
      String where, String dtype, List<Long> shape, long elements, long bytes) {
    int each = elementBytes(dtype);
    if (each > 0 && multiply(where, elements, each) != bytes) {
      throw new ModelFormatException(
          "%s of shape %s and type %s needs %d bytes, but has %d"
              .formatted(where, shape, dtype, elements * each, bytes));
    }
  }

  private static long multiply(String where, long a, long b) {
    try {
      return Math.multiplyExact(a, b);
    } catch (ArithmeticException e) {
      throw new ModelFormatException(where + " has more than 2^63 bytes", e);
    }
  }

  private static Optional<ElementType> type(String dtype) {
    return switch (dtype) {
      case "F32" -> Optional.of(ElementType.F32);
      case "F16" -> Optional.of(ElementType.F16);
      case "BF16" -> Optional.of(ElementType.BF16);
      default -> Optional.empty(); // refused when read
    };
  }

  /** Returns the size of an element of a type in bytes; 0 if the type is unknown. */
  private static int elementBytes(String dtype) {
    return switch (dtype) {
      case "BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0" -> 1;
      case "I16", "U16", "F16", "BF16" -> 2;
      case "I32", "U32", "F32" -> 4;
      case "I64", "U64", "F64" -> 8;
      default -> 0; // refused when read
    };
  }
}
