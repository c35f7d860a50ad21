package dev.s3llm.examples.speech.audio;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The numbers of a model's file {@code preprocessor_config.json}: how samples become features.
 * Immutable.
 */
public final class FeatureSettings {
  private static final int MOST_BANDS = 512;
  private static final int MOST_FFT = 1 << 16;

  final int sampleRate;
  final int window;
  final int hop;
  final int fftSize;
  final int bands;
  final double lowHertz;
  final double highHertz;
  final double logFloor;
  final double[] mean;
  final double[] deviation;

  private FeatureSettings(Fields in) {
    in.same("window", "hann_periodic");
    in.same("mel_scale", "htk");
    sampleRate = in.whole("sampling_rate", 1_000, 192_000);
    fftSize = in.whole("fft_size", 2, MOST_FFT);
    window = in.whole("window_size", 1, fftSize);
    hop = in.whole("hop_size", 1, MOST_FFT);
    bands = in.whole("num_mel_bands", 1, MOST_BANDS);
    lowHertz = in.number("low_frequency", 0, sampleRate / 2.0);
    highHertz = in.number("high_frequency", Math.nextUp(lowHertz), sampleRate / 2.0);
    logFloor = in.number("log_floor", -700, 700);
    mean = in.numbers("mean", bands, -1e6, 1e6);
    deviation = in.numbers("deviation", bands, 1e-6, 1e6);
    if (Integer.bitCount(fftSize) != 1) {
      throw in.refused("fft_size", fftSize + " is no power of two");
    }
  }

  /**
   * Reads the settings.
   *
   * @param file a {@code preprocessor_config.json}
   * @return the settings
   * @throws AudioFormatException if the file is missing, damaged, or describes other features
   * @throws UncheckedIOException if reading fails otherwise
   */
  public static FeatureSettings read(Path file) {
    try {
      return new FeatureSettings(
          new Fields(file, new ObjectMapper().readTree(Files.readAllBytes(file))));
    } catch (NoSuchFileException e) {
      throw new AudioFormatException(file + ": does not exist");
    } catch (JacksonException e) {
      throw new AudioFormatException(file + ": is not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read", e);
    }
  }

  /** Returns the sample rate that the features are computed at. */
  public int sampleRate() {
    return sampleRate;
  }

  /** Returns the number of features of a frame. */
  public int bands() {
    return bands;
  }

  /** The file's fields, each checked against its range. */
  private record Fields(Path file, JsonNode root) {
    void same(String name, String supported) {
      String value = root.path(name).asText();
      if (!value.equals(supported)) {
        throw refused(name, "'" + value + "' is not supported; use '" + supported + "'");
      }
    }

    int whole(String name, int least, int most) {
      JsonNode value = root.path(name);
      if (!value.canConvertToInt() || value.intValue() < least || value.intValue() > most) {
        throw refused(name, "is not a whole number from " + least + " to " + most);
      }
      return value.intValue();
    }

    double number(String name, double least, double most) {
      return number(name, root.path(name), least, most);
    }

    double[] numbers(String name, int count, double least, double most) {
      JsonNode values = root.path(name);
      if (!values.isArray() || values.size() != count) {
        throw refused(name, "is not a list of " + count + " numbers");
      }
      double[] result = new double[count];
      for (int i = 0; i < count; i++) {
        result[i] = number(name, values.get(i), least, most);
      }
      return result;
    }

    private double number(String name, JsonNode value, double least, double most) {
      double number = value.isNumber() ? value.doubleValue() : Double.NaN;
      if (number >= least && number <= most) {
        return number;
      }
      throw refused(name, "is not a number from " + least + " to " + most);
    }

    AudioFormatException refused(String name, String what) {
      return new AudioFormatException(file + ": " + name + ": " + what);
    }
  }
}
