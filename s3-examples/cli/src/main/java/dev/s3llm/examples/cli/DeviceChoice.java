package dev.s3llm.examples.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What a model runs on.
 *
 * @param gpus one GPU for each stage; none means the host
 */
record DeviceChoice(List<Integer> gpus) {
  /** The processors of this machine. */
  static final DeviceChoice HOST = new DeviceChoice(List.of());

  private static final String CUDA = "cuda";
  private static final String NUMBERED = "cuda:";

  /** Whether it is the host. */
  boolean isHost() {
    return gpus.isEmpty();
  }

  /** The GPUs' numbers. */
  int[] numbers() {
    return gpus.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Reads a choice from an option. */
  static final class Converter implements ITypeConverter<DeviceChoice> {
    @Override
    public DeviceChoice convert(String value) {
      if (value.equals("host")) {
        return HOST;
      }
      if (value.equals(CUDA)) {
        return new DeviceChoice(List.of(0));
      }
      List<Integer> gpus = new ArrayList<>();
      try {
        for (String number : value.startsWith(NUMBERED) ? numbers(value) : new String[0]) {
          gpus.add(Integer.parseUnsignedInt(number));
        }
      } catch (NumberFormatException e) {
        gpus.clear();
      }
      if (gpus.isEmpty()) {
        throw new TypeConversionException(
            "'" + value + "' is no device; write host, cuda, or cuda:0,1 for two stages");
      }
      return new DeviceChoice(List.copyOf(gpus));
    }

    private static String[] numbers(String value) {
      return value.substring(NUMBERED.length()).split(",", -1);
    }
  }
}
