package dev.s3llm.examples.cli.options;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The device that a model runs on.
 *
 * @param isAuto whether it is the first GPU if one can run the model, else the host
 * @param gpus numbers of the GPUs, one for each stage of the model; empty for the host
 * @param together whether the GPUs run every layer together, in place of stages
 */
public record DeviceChoice(boolean isAuto, List<Integer> gpus, boolean together) {
  /** The processors of this machine. */
  public static final DeviceChoice HOST = new DeviceChoice(false, List.of(), false);

  /** The first GPU. */
  static final DeviceChoice FIRST_GPU = new DeviceChoice(false, List.of(0), false);

  private static final DeviceChoice AUTO = new DeviceChoice(true, List.of(), false);

  private static final String CUDA = "cuda";
  private static final String NUMBERED = "cuda:";
  private static final String TOGETHER = "+";

  /** Returns whether the model runs on the host. */
  boolean isHost() {
    return gpus.isEmpty();
  }

  /** Returns the GPUs' numbers. */
  int[] numbers() {
    return gpus.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Parses the value of an option. */
  public static final class Converter implements ITypeConverter<DeviceChoice> {
    /** Created by picocli. */
    public Converter() {}

    @Override
    public DeviceChoice convert(String value) {
      if (value.equals("host") || value.equals("cpu")) {
        return HOST;
      }
      if (value.equals("auto")) {
        return AUTO;
      }
      if (value.equals(CUDA)) {
        return FIRST_GPU;
      }
      boolean together = value.contains(TOGETHER);
      List<Integer> gpus = new ArrayList<>();
      try {
        for (String number :
            value.startsWith(NUMBERED) ? numbers(value, together) : new String[0]) {
          gpus.add(Integer.parseUnsignedInt(number));
        }
      } catch (NumberFormatException e) {
        gpus.clear();
      }
      if (gpus.isEmpty()) {
        throw new TypeConversionException(
            "'"
                + value
                + "' is no device; write cpu, cuda, cuda:0,1 for two stages, cuda:0+1 for every"
                + " layer on both, or auto");
      }
      return new DeviceChoice(false, List.copyOf(gpus), together);
    }

    private static String[] numbers(String value, boolean together) {
      String separator = together ? Pattern.quote(TOGETHER) : ",";
      return value.substring(NUMBERED.length()).split(separator, -1);
    }
  }
}
