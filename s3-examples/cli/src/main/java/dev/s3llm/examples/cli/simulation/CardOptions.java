package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.UsageException;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The cards of the simulated machine, and the engines that share them. */
public final class CardOptions {
  private static final int MOST_CARDS = 64;

  @Option(
      names = "--cards",
      defaultValue = "1",
      paramLabel = "N",
      description =
          "Cards of the machine. Those of an engine share every layer and exchange what they"
              + " compute.")
  private int cards;

  @Option(
      names = "--engines",
      paramLabel = "N",
      description =
          "Engines that share the cards equally, each with the whole model; requests are dealt by"
              + " predicted work.")
  private @Nullable Integer engines;

  /** Created by a command; picocli sets the fields. */
  public CardOptions() {}

  /**
   * How engines use the cards of a machine.
   *
   * @param engines number of engines, at least 1
   * @param cards cards of each engine, at least 1
   */
  public record Placement(int engines, int cards) {
    /** Returns the engines and the cards of each, such as {@code 2 on 1}. */
    public String label() {
      return engines + " on " + cards;
    }
  }

  /**
   * Returns how the engines use the cards: one engine on all, if the user gave no number.
   *
   * @throws UsageException if the cards cannot be shared equally
   */
  public Placement placement() {
    if (cards < 1 || cards > MOST_CARDS) {
      throw new UsageException("--cards %d: must be from 1 to %d".formatted(cards, MOST_CARDS));
    }
    int own = engines == null ? 1 : engines;
    if (own < 1 || cards % own != 0) {
      throw new UsageException("--engines %d: must divide --cards, %d".formatted(own, cards));
    }
    return new Placement(own, cards / own);
  }

  /**
   * Returns the given placement, or every one if the user gave no number of engines; one engine on
   * all cards comes first.
   *
   * @throws UsageException if the cards cannot be shared equally
   */
  public List<Placement> placements() {
    Placement given = placement();
    return engines != null
        ? List.of(given)
        : IntStream.rangeClosed(1, cards)
            .filter(own -> cards % own == 0)
            .mapToObj(own -> new Placement(own, cards / own))
            .toList();
  }
}
