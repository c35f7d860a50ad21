package dev.s3llm.examples.speech.audio;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.provider.MethodSource;

/** A file with any content is read or refused. */
@Timeout(60)
class WavReaderFuzzTest {
  private static final WavReader READER = new WavReader(Duration.ofSeconds(2));

  static Stream<byte[]> seeds() {
    Wav stereo = new Wav();
    stereo.channels = 2;
    stereo.extensible = true;
    Wav streamed = new Wav();
    streamed.dataSize = 0xFFFF_FFFFL;
    streamed.riffSize = 0xFFFF_FFFFL;
    Wav chunks = new Wav();
    chunks.before = Wav.chunk("LIST", new byte[5]);
    chunks.dataSize = 0x7FFF_EFFFL;
    return Stream.of(new Wav(), stereo, streamed, chunks).map(Wav::bytes);
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyContent_isReadOrRefused(byte[] content) {
    Recording recording;
    try {
      recording = READER.read("a.wav", content);
    } catch (AudioFormatException e) {
      assertThat(e).hasMessageStartingWith("a.wav: ");
      assertThat(e.getMessage()).hasSizeLessThan(200);
      return;
    }
    assertThat(recording.sampleRate()).isBetween(8_000, 48_000);
    assertThat(recording.samples().length).isBetween(1, content.length / 2);
    for (float sample : recording.samples()) {
      assertThat(sample).isBetween(-1f, 1f);
    }
  }
}
