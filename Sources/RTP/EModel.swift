#if canImport(Glibc)
  import Glibc
#endif

/// The E-model: a transmission rating R from what is known of a connection, and the mean opinion score that goes with it.
///
/// Ratings of different scales are not comparable, and are never mixed.
public enum EModel {
  /// Impairment by a codec and by packets that are missing: Ie,eff = Ie + (95 − Ie)·Ppl / (Ppl / BurstR + Bpl) (ITU-T G.107 §7.2).
  public static func effectiveEquipmentImpairment(ie: Double, bpl: Double, lossPercent: Double, burstRatio: Double) -> Double {
    guard lossPercent > 0 else { return ie }
    return ie + (95 - ie) * lossPercent / (lossPercent / max(burstRatio, 1) + bpl)
  }

  /// MOS of a narrowband rating (ITU-T G.107 Annex B). The cubic dips below 1 for small ratings: it is held there.
  public static func meanOpinionScore(_ rating: Double) -> Double {
    guard rating > 0 else { return 1 }
    guard rating < 100 else { return 4.5 }
    return max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)
  }

  /// The narrowband rating of a MOS between 1 and 4.5, where the cubic grows (ITU-T G.107 Appendix I).
  public static func rating(meanOpinionScore: Double) -> Double {
    let mos = min(max(meanOpinionScore, 1), 4.5)
    let angle = atan2(15 * max(0, -903_522 + 1_113_960 * mos - 202_500 * mos * mos).squareRoot(), 18_566 - 6_750 * mos) / 3
    return 20.0 / 3 * (8 - 226.0.squareRoot() * cos(angle + Double.pi / 3))
  }

  /// Narrowband, ITU-T G.107 (06/2015), with the planning values of its Table 2 where nothing else is set.
  public struct Narrowband: Hashable, Sendable {
    /// Loudness of the sending and of the receiving side, in dB.
    public var (slr, rlr) = (8.0, 2.0)
    /// Sidetone and its masking, in dB.
    public var (stmr, lstr) = (15.0, 18.0)
    /// Loss of the talker echo path, and of the listener's, in dB.
    public var (telr, wepl) = (65.0, 110.0)
    /// Mean one-way delay of the echo path, absolute delay, round trip in the 4-wire loop: milliseconds.
    public var (t, ta, tr) = (0.0, 0.0, 0.0)
    public var (ds, dr) = (3.0, 3.0)
    /// Room noise, in dB(A).
    public var (ps, pr) = (35.0, 35.0)
    public var (nc, nfor) = (-70.0, -64.0)
    /// Quantizing distortion units.
    public var qdu = 1.0
    public var ie = 0.0
    public var bpl = 4.3
    /// Missing packets, in percent.
    public var ppl = 0.0
    public var burstRatio = 1.0
    public var advantage = 0.0

    public init() {}

    /// One-way mouth-to-ear delay, with an echo path as long and a round trip of twice that.
    public mutating func setDelay(milliseconds: Double) { (t, ta, tr) = (milliseconds, milliseconds, 2 * milliseconds) }

    private var olr: Double { slr + rlr }

    /// The power sum of all noise, in dBm0p (§7.2).
    private var noise: Double {
      let nos = ps - slr - ds - 100 + 0.004 * EModel.square(ps - olr - ds - 14)
      let pre = pr + 10 * log10(1 + pow(10, (10 - lstr) / 10))
      let nor = rlr - 121 + pre + 0.008 * EModel.square(pre - 35)
      return 10 * log10([nc, nos, nor, nfor + rlr].reduce(0) { $0 + pow(10, $1 / 10) })
    }

    /// Ro − Is − Id − Ie,eff + A.
    public var rating: Double {
      let no = noise
      let ro = 15 - 1.5 * (slr + no)
      let effective = EModel.effectiveEquipmentImpairment(ie: ie, bpl: bpl, lossPercent: ppl, burstRatio: burstRatio)
      return ro - simultaneous(ro, no) - delayed(ro, no) - effective + advantage
    }

    public var meanOpinionScore: Double { EModel.meanOpinionScore(rating) }

    /// Is: impairments that come with the voice (§7.3).
    private func simultaneous(_ ro: Double, _ no: Double) -> Double {
      let xolr = olr + 0.2 * (64 + no - rlr)
      let iolr = 20 * (pow(1 + pow(xolr / 8, 8), 1.0 / 8) - xolr / 8)
      let stmro = -10 * log10(pow(10, -stmr / 10) + exp(-t / 4) * pow(10, -telr / 10))
      let ist =
        12 * pow(1 + pow((stmro - 13) / 6, 8), 1.0 / 8) - 28 * pow(1 + pow((stmro + 1) / 19.4, 35), 1.0 / 35)
        - 13 * pow(1 + pow((stmro - 3) / 33, 13), 1.0 / 13) + 29
      let q = 37 - 15 * log10(qdu)
      let g = 1.07 + 0.258 * q + 0.0602 * q * q
      let iq = 15 * log10(1 + pow(10, (ro - 100) / 15 + 46 / 8.4 - g / 9) + pow(10, 46.0 / 30 - g / 40))
      return iolr + ist + iq
    }

    /// Id: impairments that come after the voice (§7.4).
    private func delayed(_ ro: Double, _ no: Double) -> Double {
      let terv = telr - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t * t)
      let roe = -1.5 * (no - rlr)
      let re = 80 + 2.5 * (terv - 14)
      let idte = ((roe - re) / 2 + (EModel.square(roe - re) / 4 + 100).squareRoot() - 1) * (1 - exp(-t))
      let rle = 10.5 * (wepl + 7) * pow(tr + 1, -0.25)
      let idle = (ro - rle) / 2 + (EModel.square(ro - rle) / 4 + 169).squareRoot()
      return idte + idle + EModel.absoluteDelay(milliseconds: ta)
    }
  }

  /// Wideband, ITU-T G.107.1 (06/2019): Ro 129, no simultaneous impairment, and MOS of R / 1.29. What a listener hears: delay has no part.
  public struct Wideband: Hashable, Sendable {
    public var ie = 0.0
    /// nil where none is published for the codec: there is no rating with loss then.
    public var bpl: Double?
    /// Missing packets, in percent.
    public var ppl = 0.0

    public init(ie: Double, bpl: Double? = nil, ppl: Double = 0) { (self.ie, self.bpl, self.ppl) = (ie, bpl, ppl) }

    public var rating: Double? {
      guard ppl > 0 else { return 129 - ie }
      return bpl.map { 129 - EModel.effectiveEquipmentImpairment(ie: ie, bpl: $0, lossPercent: ppl, burstRatio: 1) }
    }

    public var meanOpinionScore: Double? { rating.map { EModel.meanOpinionScore($0 / 1.29) } }
  }

  /// Idd: what a delay does to a conversation beyond 100 ms (ITU-T G.107 §7.4).
  static func absoluteDelay(milliseconds: Double) -> Double {
    guard milliseconds > 100 else { return 0 }
    let x = log2(milliseconds / 100)
    return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2)
  }

  private static func square(_ value: Double) -> Double { value * value }

  static func naturalLogarithm(_ value: Double) -> Double { log(value) }
}
