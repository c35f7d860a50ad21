package dev.s3llm.text.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/** Arithmetic by Python's rules: integers stay integers, division floors, truth values are 0, 1. */
final class Numbers {
  private Numbers() {}

  static boolean isNumber(Value value) {
    return value instanceof Int || value instanceof Real || value instanceof Bool;
  }

  /** Returns the value of an integer or truth value, or null for others. */
  static @Nullable BigInteger integer(Value value) {
    return value instanceof Int number
        ? number.value()
        : value instanceof Bool bool ? BigInteger.valueOf(bool.asInt()) : null;
  }

  static double real(Value value) {
    if (value instanceof Real number) {
      return number.value();
    }
    BigInteger integer = integer(value);
    if (integer == null) {
      throw new IllegalArgumentException("not a number: " + value.typeName());
    }
    return integer.doubleValue();
  }

  /** Returns the order of two numbers; a NaN is greater than all others. */
  static int compare(Value a, Value b) {
    BigInteger x = integer(a);
    BigInteger y = integer(b);
    if (x != null && y != null) {
      return x.compareTo(y);
    }
    double p = real(a);
    double q = real(b);
    if (!Double.isFinite(p) || !Double.isFinite(q)) {
      return Double.compare(p, q);
    }
    return exact(a).compareTo(exact(b));
  }

  private static BigDecimal exact(Value value) {
    BigInteger integer = integer(value);
    return integer == null ? new BigDecimal(real(value)) : new BigDecimal(integer);
  }

  /**
   * Returns the result of an operator of two numbers.
   *
   * @throws JinjaException if one is no number, or the result does not exist or is too large
   */
  static Value calculate(String operator, Value a, Value b) {
    if (!isNumber(a) || !isNumber(b)) {
      throw Operators.unsupported(operator, a, b);
    }
    BigInteger x = integer(a);
    BigInteger y = integer(b);
    return x != null && y != null && !operator.equals("/")
        ? ofIntegers(operator, x, y)
        : new Real(ofReals(operator, real(a), real(b)));
  }

  private static Value ofIntegers(String operator, BigInteger x, BigInteger y) {
    return switch (operator) {
      case "+" -> new Int(x.add(y));
      case "-" -> new Int(x.subtract(y));
      case "*" -> new Int(x.multiply(y));
      case "//" -> new Int(floor(x, nonZero(y)));
      case "%" -> new Int(x.subtract(floor(x, nonZero(y)).multiply(y)));
      case "**" -> power(x, y);
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static BigInteger floor(BigInteger x, BigInteger y) {
    BigInteger[] parts = x.divideAndRemainder(y);
    boolean below = parts[1].signum() != 0 && parts[1].signum() != y.signum();
    return below ? parts[0].subtract(BigInteger.ONE) : parts[0];
  }

  private static BigInteger nonZero(BigInteger divisor) {
    if (divisor.signum() == 0) {
      throw JinjaException.runtime("division by zero");
    }
    return divisor;
  }

  private static Value power(BigInteger x, BigInteger y) {
    if (y.signum() < 0) {
      return new Real(ofReals("**", x.doubleValue(), y.doubleValue()));
    }
    int exponent = new Int(y).clamped();
    if ((long) exponent * Math.max(1, x.bitLength()) > 2L * Int.MAX_BITS && x.bitLength() > 1) {
      throw JinjaException.limit("the template computes an integer that is too large");
    }
    return new Int(x.bitLength() <= 1 && x.signum() >= 0 ? small(x, y) : x.pow(exponent));
  }

  private static BigInteger small(BigInteger x, BigInteger y) {
    return y.signum() == 0 ? BigInteger.ONE : x;
  }

  private static double ofReals(String operator, double x, double y) {
    if (y == 0 && "//%".contains(operator)) {
      throw JinjaException.runtime("division by zero");
    }
    return switch (operator) {
      case "+" -> x + y;
      case "-" -> x - y;
      case "*" -> x * y;
      case "/" -> x / y;
      case "//" -> floor(x, y);
      case "%" -> remainder(x, y);
      case "**" -> powerOfReals(x, y);
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static double remainder(double x, double y) {
    double remainder = x % y;
    return remainder != 0 && (y < 0) != (remainder < 0) ? remainder + y : remainder;
  }

  private static double floor(double x, double y) {
    double quotient = (x - remainder(x, y)) / y;
    double floor = Math.floor(quotient);
    return quotient - floor > 0.5 ? floor + 1 : floor;
  }

  private static double powerOfReals(double x, double y) {
    double result = Math.pow(x, y);
    if ((x == 0 && y < 0) || (Double.isNaN(result) && !Double.isNaN(x) && !Double.isNaN(y))) {
      throw JinjaException.runtime("%s to the power %s is no real number", x, y);
    }
    return result;
  }

  static boolean isNaN(Value value) {
    return value instanceof Real real && Double.isNaN(real.value());
  }

  static Value negate(Value value) {
    if (value instanceof Real real) {
      return new Real(-real.value());
    }
    return calculate("-", Int.of(0), value);
  }

  /** Returns a number rounded to so many decimals: half to even for "common". */
  static Value round(Value value, int precision, String method) {
    if (!isNumber(value)) {
      throw Operators.unsupported("round", value, value);
    }
    if (Math.abs((long) precision) > 400) {
      throw JinjaException.limit("round takes a precision from -400 to 400");
    }
    RoundingMode mode =
        switch (method) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw JinjaException.runtime("method must be common, ceil or floor");
        };
    if (value instanceof Real real && !Double.isFinite(real.value())) {
      return value;
    }
    BigDecimal rounded = exact(value).setScale(precision, mode);
    if (!method.equals("common")) {
      return new Real(rounded.doubleValue());
    }
    return value instanceof Real real
        ? new Real(Math.copySign(rounded.doubleValue(), real.value()))
        : new Int(rounded.toBigInteger());
  }
}
