package dev.s3llm.jcuda.internal.driver;

import java.util.List;

/**
 * An address on each card, which a kernel takes as one structure: {@code PerCard} in {@code
 * cards.cuh}.
 *
 * @param cards the addresses in the order of the cards, 1 to {@link #MOST}
 */
public record CardAddresses(List<DeviceAddress> cards) {
  /** Addresses that the structure has room for. */
  public static final int MOST = 8;

  /** Copies the list. */
  public CardAddresses {
    if (cards.isEmpty() || cards.size() > MOST) {
      throw new IllegalArgumentException(
          "there must be from 1 to %d cards, but are %d".formatted(MOST, cards.size()));
    }
    cards = List.copyOf(cards);
  }

  /** Returns the address on a card, or the first where there is no such card. */
  DeviceAddress at(int card) {
    return cards.get(card < cards.size() ? card : 0);
  }
}
