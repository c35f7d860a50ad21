package dev.s3llm.examples.speech.audio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class WavReaderTest {
  private static final float UNIT = 1f / 32768;

  private final WavReader reader = new WavReader(Duration.ofSeconds(60));
  private final Wav wav = new Wav();

  @TempDir Path folder;

  @BeforeEach
  void fill() {
    wav.data = Wav.samples(1, -1, 32767, -32768);
  }

  @Test
  void mono_givesItsSamples() {
    Recording recording = reader.read("a.wav", wav.bytes());

    assertThat(recording.sampleRate()).isEqualTo(16_000);
    assertThat(recording.samples()).containsExactly(UNIT, -UNIT, 32767 * UNIT, -1f);
    assertThat(recording.seconds()).isEqualTo(4 / 16_000.0);
  }

  @Test
  void stereo_isMixedToItsMean() {
    wav.channels = 2;
    wav.data = Wav.samples(1, 2, -32768, -32768);

    assertThat(reader.read("a.wav", wav.bytes()).samples()).containsExactly(1.5f * UNIT, -1f);
  }

  @ParameterizedTest
  @ValueSource(ints = {8_000, 11_025, 16_000, 22_050, 44_100, 48_000})
  void rateInRange_isKept(int rate) {
    wav.sampleRate = rate;

    assertThat(reader.read("a.wav", wav.bytes()).sampleRate()).isEqualTo(rate);
  }

  @Test
  void extensiblePcm_isRead() {
    wav.extensible = true;

    assertThat(reader.read("a.wav", wav.bytes()).samples()).hasSize(4);
  }

  @Test
  void otherChunks_arePassedOver() {
    wav.before = Wav.chunk("LIST", new byte[7]);
    wav.after = Wav.chunk("cue ", new byte[9]);

    assertThat(reader.read("a.wav", wav.bytes()).samples()).hasSize(4);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "0, 36", "4294967295, 4294967295", "2147479552, 2147479588", "4294967295, 0"})
  void sizeOfAStreamedFile_isTheRest(long dataSize, long riffSize) {
    wav.dataSize = dataSize;
    wav.riffSize = riffSize;

    assertThat(reader.read("a.wav", wav.bytes()).samples()).hasSize(4);
  }

  @Test
  void streamedFile_thatEndsWithinASample_losesThatSample() {
    wav.dataSize = 0xFFFF_FFFFL;
    wav.channels = 2;
    wav.data = new byte[10];

    assertThat(reader.read("a.wav", wav.bytes()).samples()).hasSize(2);
  }

  @Test
  void file_isReadFromDisk() throws IOException {
    Path file = Files.write(folder.resolve("a.wav"), wav.bytes());

    assertThat(reader.read(file).samples()).hasSize(4);
  }

  @Test
  void noSamples_areRefused() {
    wav.data = new byte[0];
    wav.after = Wav.chunk("LIST", new byte[8]);

    assertRefused("a.wav: has no samples; record it again");
  }

  @Test
  void noSamplesInAStreamedFile_areRefused() {
    wav.data = new byte[0];
    wav.riffSize = 0;

    assertRefused("a.wav: has no samples; record it again");
  }

  @Test
  void truncatedFile_isRefusedWithBothSizes() {
    wav.dataSize = 1000;

    assertRefused(
        "a.wav: truncated: its chunk data names 1000 bytes, 8 are there; copy or record it again");
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 15, 20, 30, 40})
  void fileThatEndsInItsHead_isRefused(int length) {
    byte[] cut = Arrays.copyOf(wav.bytes(), length);

    assertThatThrownBy(() -> reader.read("a.wav", cut))
        .isInstanceOf(AudioFormatException.class)
        .hasMessageMatching("a.wav: (truncated|damaged): .*");
  }

  @ParameterizedTest
  @CsvSource({
    "OggS\u0000, 'OggS'",
    "fLaC\u0000, 'fLaC'",
    "RIFX, 'RIFX'",
    "RI, 'RI'",
    "RIFF1234AVI , 'RIFF'"
  })
  void otherFile_isRefusedWithItsFirstBytes(String content, String shown) {
    assertThatThrownBy(() -> reader.read("a.ogg", content.getBytes(US_ASCII)))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage(
            "a.ogg: is no WAV file (it begins with '%s'); convert it to a WAV file of 16-bit PCM"
                .formatted(shown));
  }

  @Test
  void emptyFile_isRefused() {
    assertThatThrownBy(() -> reader.read("a.wav", new byte[0]))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage("a.wav: is empty; name a WAV file");
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 24, 16000, has 24-bit samples of format PCM",
    "1, 1, 8, 16000, has 8-bit samples of format PCM",
    "3, 1, 32, 16000, has 32-bit samples of format float",
    "6, 1, 8, 16000, has 8-bit samples of format 0x0006",
    "1, 8, 16, 16000, has 8 channels; 1 or 2 are supported",
    "1, 0, 16, 16000, has 0 channels; 1 or 2 are supported",
    "'1', 1, 16, 96000, 'has 96000 samples a second; 8,000 to 48,000 are supported'",
    "'1', 1, 16, 7999, 'has 7999 samples a second; 8,000 to 48,000 are supported'",
    "'1', 1, 16, -1, 'has 4294967295 samples a second; 8,000 to 48,000 are supported'"
  })
  void otherFormat_isRefusedWithWhatToDo(int tag, int channels, int bits, int rate, String what) {
    wav.tag = tag;
    wav.channels = channels;
    wav.bits = bits;
    wav.sampleRate = rate;

    assertRefused("a.wav: " + what + "; convert it to a WAV file of 16-bit PCM, 16,000 Hz, mono");
  }

  @Test
  void extensibleFloat_isRefused() {
    wav.extensible = true;
    wav.tag = 3;
    wav.bits = 32;

    assertRefused(
        "a.wav: has 32-bit samples of format float; convert it to a WAV file of 16-bit PCM,"
            + " 16,000 Hz, mono");
  }

  @Test
  void frameOfAnotherSize_isRefused() {
    wav.frameBytes = 3;

    assertRefused(
        "a.wav: damaged: 1 channels of 16 bits, but 3 bytes for each frame of them; export it"
            + " again");
  }

  @Test
  void halfASample_isRefused() {
    wav.data = new byte[7];

    assertRefused("a.wav: damaged: 7 bytes of samples are no multiple of 2; export it again");
  }

  @Test
  void samplesBeforeTheirFormat_areRefused() {
    byte[] bytes = wav.bytes();
    bytes[12] = 'x';

    assertThatThrownBy(() -> reader.read("a.wav", bytes))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage("a.wav: damaged: samples before the chunk fmt");
  }

  @Test
  void anHour_isRefusedByItsHeadAlone() {
    wav.dataSize = 3600L * 2 * 16_000;

    assertRefused("a.wav: has 3600.0 s; the limit is 60.0 s: cut it into shorter parts");
  }

  @Test
  void streamedFileOverTheLimit_isRefused() {
    wav.dataSize = 0xFFFF_FFFFL;
    wav.data = new byte[60 * 2 * 16_000 + 2];

    assertRefused("a.wav: is longer than 60.0 s; the limit is 60.0 s: cut it into shorter parts");
  }

  @Test
  void recordingOfTheLimit_isRead() {
    wav.data = new byte[60 * 2 * 16_000];

    assertThat(reader.read("a.wav", wav.bytes()).seconds()).isEqualTo(60.0);
  }

  @Test
  void missingFile_isRefusedByName() {
    assertThatThrownBy(() -> reader.read(folder.resolve("none.wav")))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage(folder.resolve("none.wav") + ": does not exist");
    assertThatThrownBy(() -> reader.read(folder))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage(folder + ": is a folder; name a WAV file");
  }

  @Test
  void anyChangedByte_isReadOrRefusedByName() {
    Random random = new Random(7);
    wav.before = Wav.chunk("LIST", new byte[6]);
    byte[] right = wav.bytes();
    for (int i = 0; i < 20_000; i++) {
      byte[] wrong = Arrays.copyOf(right, right.length - random.nextInt(4));
      for (int changes = random.nextInt(3); changes >= 0; changes--) {
        wrong[random.nextInt(wrong.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(reader.read("a.wav", wrong).samples().length).isBetween(1, 40);
      } catch (AudioFormatException e) {
        assertThat(e).hasMessageStartingWith("a.wav: ");
      }
    }
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> reader.read("a.wav", wav.bytes()))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage(message);
  }
}
