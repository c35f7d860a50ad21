package dev.s3llm.examples.cli.simulation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.CostModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/** Finds models and GPUs by their preset name, or reads them from JSON files. */
final class ProfileFiles {
  private static final long MAX_FILE_BYTES = 1 << 16;
  private static final Set<String> MODEL_FIELDS =
      Set.of("name", "parameters", "bytesPerWeight", "kvBytesPerToken", "layers", "hiddenSize");
  private static final double FP16_BYTES = 2;
  private static final Set<String> GPU_FIELDS =
      Set.of(
          "name",
          "bytesPerSecond",
          "flops",
          "overheadNanos",
          "swapBytesPerSecond",
          "overlaps",
          "exchangeNanos",
          "exchangeBytesPerSecond");

  private ProfileFiles() {}

  static CostModel.ModelShape model(String value) {
    Optional<CostModel.ModelShape> preset = CostModel.ModelShape.named(value);
    if (preset.isPresent()) {
      return preset.get();
    }
    Fields fields = read("--model", value, CostModel.ModelShape.names(), MODEL_FIELDS);
    return fields.make(
        () ->
            new CostModel.ModelShape(
                fields.text("name"),
                fields.number("parameters"),
                fields.number("bytesPerWeight", FP16_BYTES),
                fields.whole("kvBytesPerToken"),
                Math.toIntExact(fields.whole("layers", 0)),
                Math.toIntExact(fields.whole("hiddenSize", 0))));
  }

  static CostModel.GpuProfile gpu(String value) {
    Optional<CostModel.GpuProfile> preset = CostModel.GpuProfile.named(value);
    if (preset.isPresent()) {
      return preset.get();
    }
    Fields fields = read("--gpu", value, CostModel.GpuProfile.names(), GPU_FIELDS);
    return fields.make(
        () ->
            new CostModel.GpuProfile(
                fields.text("name"),
                fields.number("bytesPerSecond"),
                fields.number("flops"),
                fields.whole("overheadNanos"),
                fields.number("swapBytesPerSecond"),
                fields.flag("overlaps", true),
                new CostModel.Exchange(
                    fields.whole("exchangeNanos", CostModel.Exchange.H200.nanos()),
                    fields.number(
                        "exchangeBytesPerSecond", CostModel.Exchange.H200.bytesPerSecond()))));
  }

  private static Fields read(
      String option, String value, Set<String> presets, Set<String> expected) {
    String what = option + " " + value;
    if (!value.endsWith(".json")) {
      throw new UsageException(
          what + ": must be one of " + new TreeSet<>(presets) + " or a .json file");
    }
    Path file = Path.of(value);
    JsonNode json;
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new UsageException(
            "%s: has %d bytes, the limit is %d".formatted(what, Files.size(file), MAX_FILE_BYTES));
      }
      json = new ObjectMapper().readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      throw new UsageException(what + ": not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UsageException(what + ": cannot be read: " + e);
    }
    if (json == null || !json.isObject()) {
      throw new UsageException(what + ": must be an object with the fields " + sorted(expected));
    }
    requireKnown(what, json, expected);
    return new Fields(what, json);
  }

  private static void requireKnown(String what, JsonNode json, Set<String> expected) {
    Iterator<String> names = json.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (!expected.contains(name)) {
        throw new UsageException(
            what + ": unknown field " + name + "; the fields are " + sorted(expected));
      }
    }
  }

  private static Set<String> sorted(Set<String> names) {
    return new TreeSet<>(names);
  }

  /** The fields of one file. */
  private record Fields(String what, JsonNode json) {

    <T> T make(Supplier<T> maker) {
      try {
        return maker.get();
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw new UsageException(what + ": " + e.getMessage());
      }
    }

    String text(String field) {
      JsonNode value = json.path(field);
      require(value.isTextual(), field, value, "a text");
      return value.textValue();
    }

    double number(String field) {
      JsonNode value = json.path(field);
      require(value.isNumber(), field, value, "a number");
      return value.doubleValue();
    }

    double number(String field, double byDefault) {
      return json.has(field) ? number(field) : byDefault;
    }

    long whole(String field) {
      JsonNode value = json.path(field);
      boolean whole = value.isNumber() && value.canConvertToLong() && value.doubleValue() % 1 == 0;
      require(whole, field, value, "a whole number");
      return value.longValue();
    }

    long whole(String field, long byDefault) {
      return json.has(field) ? whole(field) : byDefault;
    }

    boolean flag(String field, boolean byDefault) {
      JsonNode value = json.path(field);
      require(value.isMissingNode() || value.isBoolean(), field, value, "true or false");
      return value.asBoolean(byDefault);
    }

    private void require(boolean holds, String field, JsonNode value, String expected) {
      if (!holds) {
        String found = value.isMissingNode() ? "missing" : value.toString();
        throw new UsageException(
            what + ": field " + field + " must be " + expected + ", but is " + found);
      }
    }
  }
}
