package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.transcribe.Speech;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A folder of WAV files with their texts.
 *
 * @param name name of the folder
 * @param recordings the recordings, in the order of the table
 */
record Corpus(String name, List<Recording> recordings) {
  private static final String TABLE = "transcripts.tsv";

  /**
   * A recording.
   *
   * @param speech the audio
   * @param text the true text
   */
  record Recording(Speech speech, String text) {}

  /**
   * Reads a folder.
   *
   * @param folder has a table {@code transcripts.tsv}: name of a WAV file, tab, text
   * @param transcriber reads the files
   * @throws UsageException if there is no such table, or a line of it is wrong
   */
  static Corpus read(Path folder, Transcriber transcriber) throws IOException {
    Path table = folder.resolve(TABLE);
    if (!Files.isRegularFile(table)) {
      throw new UsageException(
          table + ": does not exist; name a folder with WAV files and their texts");
    }
    List<Recording> recordings = new ArrayList<>();
    for (String line : Files.readAllLines(table)) {
      int tab = line.indexOf('\t');
      if (tab < 1) {
        throw new UsageException(
            "%s: line %d has no tab; write the name of a file, a tab and its text"
                .formatted(table, recordings.size() + 1));
      }
      Speech speech = transcriber.read(folder.resolve(line.substring(0, tab)));
      recordings.add(new Recording(speech, line.substring(tab + 1)));
    }
    if (recordings.isEmpty()) {
      throw new UsageException(table + ": has no line");
    }
    return new Corpus(String.valueOf(folder.getFileName()), recordings);
  }

  /** Returns the length of all recordings together, in seconds. */
  double seconds() {
    return recordings.stream().mapToDouble(r -> r.speech().seconds()).sum();
  }
}
