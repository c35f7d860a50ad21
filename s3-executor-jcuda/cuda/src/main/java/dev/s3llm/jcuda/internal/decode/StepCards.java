package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.CardAddresses;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import java.util.List;
import java.util.function.Function;

/**
 * What a card's steps of one launch need to know of all cards.
 *
 * @param sums {@link CardSums#sums} of each card
 * @param arrivals {@link CardSums#arrivals} of each card
 * @param own those of this card
 * @param givenUp this card's {@code CardState::givenUp}: after a launch that fails no kernel waits
 * @param rank of this card
 * @param count number of cards
 */
record StepCards(
    CardAddresses sums,
    CardAddresses arrivals,
    CardSums own,
    DeviceAddress givenUp,
    int rank,
    int count) {
  /** Sums of a layer that the cards exchange. */
  static final int MEETINGS = 2;

  /**
   * Connects a card with the others.
   *
   * @param cards all cards, this one too, in the order of the parts
   * @param state {@link CardMemory#state} of this card
   */
  static StepCards of(List<CardSums> cards, int rank, DeviceMemory state) {
    return new StepCards(
        each(cards, CardSums::sums),
        each(cards, CardSums::arrivals),
        cards.get(rank),
        new DeviceAddress(state, CardMemory.GIVEN_UP_AT),
        rank,
        cards.size());
  }

  private static CardAddresses each(List<CardSums> cards, Function<CardSums, DeviceMemory> part) {
    return new CardAddresses(
        cards.stream().map(card -> new DeviceAddress(part.apply(card), 0)).toList());
  }
}
