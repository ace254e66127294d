import SansIO

/// What scores know of a codec. Values of one scale are never used in another.
public enum ScoredCodec: Hashable, Sendable {
  case g711
  /// 64 kbit/s.
  case g722
  /// In bit/s.
  case opus(bitRate: Int, hasFEC: Bool)

  /// By the encoding name of a=rtpmap (RFC 3551, RFC 7587); nil for what no figures are known of.
  ///
  /// - Parameter bitRate: of the stream, in bit/s; it counts where the codec has many.
  public init?(encoding: String, bitRate: Int? = nil, hasFEC: Bool = false) {
    switch encoding.lowercased() {
    case "pcmu", "pcma": self = .g711
    case "g722": self = .g722
    case "opus":
      guard let bitRate, bitRate > 0 else { return nil }
      self = .opus(bitRate: bitRate, hasFEC: hasFEC)
    default: return nil
    }
  }
}

/// A rating with all that it rests on.
public struct QualityScore: Hashable, Sendable {
  public enum Scale: String, Hashable, Sendable {
    /// ITU-T G.107: R 0 to 100.
    case narrowband = "NB"
    /// ITU-T G.107.1: R 0 to 129.
    case wideband = "WB"
    /// No recommendation has figures for the codec: R 0 to 100 by a public fit.
    case assumed
  }

  public var scale: Scale
  public var rating: Double
  public var meanOpinionScore: Double
  /// Impairment by the codec, and its robustness against loss.
  public var ie: Double
  public var bpl: Double?
  /// Missing packets, late ones among them, in percent.
  public var lossPercent: Double
  public var burstRatio: Double
  /// One way, from mouth to ear; nil = not known, and the score is that of a listener.
  public var delay: Duration?
  /// What had to be assumed.
  public var assumption: String?
}

extension QualityScore {
  /// `NB R 89.6, Ie 0, Bpl 25.1 (PLC assumed), Ppl 1.0 %, BurstR 1.0, without delay`.
  public var inputs: String {
    let strength = bpl.map { ", Bpl \(Self.decimal($0))" } ?? ""
    let basis = assumption.map { " (\($0))" } ?? ""
    let delay = delay.map { ", delay \($0.wholeNanoseconds / 1_000_000) ms" } ?? ", without delay"
    return "\(scale.rawValue) R \(Self.decimal(rating)), Ie \(Self.decimal(ie))\(strength)\(basis), Ppl \(Self.decimal(lossPercent)) %, "
      + "BurstR \(Self.decimal(burstRatio))\(delay)"
  }

  /// With two decimals.
  public var mosText: String {
    let hundredths = Int((meanOpinionScore * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }

  static func decimal(_ value: Double) -> String {
    guard value.isFinite else { return "?" }
    let tenths = Int((max(min(value, 1e9), -1e9) * 10).rounded())
    return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
  }
}

/// A score, or why there is none: what is not measured is never taken as good.
public enum QualityFigure: Hashable, Sendable {
  case measured(QualityScore)
  case notMeasured(String)

  public var score: QualityScore? { if case .measured(let score) = self { score } else { nil } }

  /// Fewer packets say nothing of a rate of loss: a second of them at 20 ms.
  public static let fewestPackets = 50

  /// Scores what came of a stream.
  ///
  /// - Parameters:
  ///   - codec: nil = not known.
  ///   - conceals: whether the receiver makes up for lost frames (ITU-T G.711 Appendix I or the like).
  ///   - isAssumed: whether that was only assumed.
  ///   - delay: from mouth to ear; it counts in narrowband alone.
  public init(_ codec: ScoredCodec?, _ loss: BurstGapLoss, conceals: Bool, isAssumed: Bool = false, delay: Duration? = nil) {
    guard loss.expected > 0 else {
      self = .notMeasured("no packets")
      return
    }
    guard loss.expected >= Self.fewestPackets else {
      self = .notMeasured("\(CountText.of(loss.expected, "packet")) are too few, a score needs \(Self.fewestPackets)")
      return
    }
    guard let codec else {
      self = .notMeasured("no impairment factor is known for the codec")
      return
    }
    // G.107 knows burst ratios up to 8.
    let (ppl, burstRatio) = (loss.missingRatio * 100, min(loss.burstRatio, 8))
    switch codec {
    case .g711: self = .measured(Self.narrowband(ppl, burstRatio, conceals, isAssumed, delay))
    case .g722: self = Self.wideband(ppl)
    case .opus(let bitRate, let hasFEC): self = .measured(Self.opus(ppl, bitRate, hasFEC))
    }
  }

  /// G.113 Appendix I: Ie 0; Bpl 4.3 without and 25.1 with the concealment of G.711 Appendix I.
  private static func narrowband(
    _ ppl: Double, _ burstRatio: Double, _ conceals: Bool, _ isAssumed: Bool, _ delay: Duration?
  ) -> QualityScore {
    var model = EModel.Narrowband()
    (model.bpl, model.ppl, model.burstRatio) = (conceals ? 25.1 : 4.3, ppl, burstRatio)
    if let delay { model.setDelay(milliseconds: Double(delay.wholeNanoseconds) / 1e6) }
    let basis = "\(conceals ? "PLC" : "no PLC")\(isAssumed ? " assumed" : "")"
    return QualityScore(
      scale: .narrowband, rating: model.rating, meanOpinionScore: model.meanOpinionScore, ie: model.ie, bpl: model.bpl, lossPercent: ppl,
      burstRatio: burstRatio, delay: delay, assumption: basis)
  }

  /// G.113 Appendix IV: Ie,WB 13 at 64 kbit/s, and no Bpl,WB.
  private static func wideband(_ ppl: Double) -> QualityFigure {
    let model = EModel.Wideband(ie: 13, ppl: ppl)
    guard let rating = model.rating, let score = model.meanOpinionScore else {
      return .notMeasured("\(QualityScore.decimal(ppl)) % is missing, and no Bpl,WB is published for G.722")
    }
    return .measured(
      QualityScore(
        scale: .wideband, rating: rating, meanOpinionScore: score, ie: model.ie, bpl: nil, lossPercent: ppl, burstRatio: 1, delay: nil,
        assumption: nil))
  }

  /// No Ie of Opus is published. The fit is the one of a public tool: Ie = 55 − 4.6·ln(bit/s) within 0 to 30, Bpl 20 with FEC, else 10.
  private static func opus(_ ppl: Double, _ bitRate: Int, _ hasFEC: Bool) -> QualityScore {
    let ie = min(30, max(0, 55 - 4.6 * EModel.naturalLogarithm(Double(bitRate))))
    let bpl = hasFEC ? 20.0 : 10.0
    let rating = 100 - EModel.effectiveEquipmentImpairment(ie: ie, bpl: bpl, lossPercent: ppl, burstRatio: 1)
    return QualityScore(
      scale: .assumed, rating: rating, meanOpinionScore: EModel.meanOpinionScore(rating), ie: ie, bpl: bpl, lossPercent: ppl, burstRatio: 1,
      delay: nil, assumption: "Opus has no published Ie: a fit for \(bitRate / 1_000) kbit/s\(hasFEC ? " with FEC" : "")")
  }
}
