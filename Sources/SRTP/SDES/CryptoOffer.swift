import SansIO

/// The lines `a=crypto` of one m= section of an offer, in their order, and the rules of who answers them and who takes the answer
/// (RFC 4568 §5.1).
public struct CryptoOffer: Hashable, Sendable {
  /// Each line with what it says, or why it cannot be used.
  public private(set) var lines: [Result<CryptoAttribute, CryptoRefusal>]

  /// A peer's: what comes behind `a=crypto:` in each line. Of two lines with one tag the second is refused (RFC 4568 §4.1).
  public init(parsing values: some Sequence<Bytes>) {
    lines = []
    var tags: Set<UInt32> = []
    for value in values {
      do throws(CryptoRefusal) {
        let attribute = try CryptoAttribute.parse(value)
        guard tags.insert(attribute.tag).inserted else { throw .repeatedTag(attribute.tag) }
        lines.append(.success(attribute))
      } catch {
        lines.append(.failure(error))
      }
    }
  }

  /// Our own.
  public init(_ attributes: [CryptoAttribute]) { lines = attributes.map { .success($0) } }

  /// The first line that can be used, whose order is the offerer's (RFC 4568 §5.1.2, contract 8.5); nil where none can.
  ///
  /// - Parameter suites: those that are taken; their order does not count.
  public func chosen(from suites: [SRTPSuite] = SRTPSuite.preference) -> CryptoAttribute? {
    for case .success(let attribute) in lines where suites.contains(attribute.suite) { return attribute }
    return nil
  }

  /// Why lines cannot be used, by their place from 0 on; a suite that is not taken among them.
  public func refusals(from suites: [SRTPSuite] = SRTPSuite.preference) -> [(line: Int, refusal: CryptoRefusal)] {
    lines.enumerated().compactMap { place, line in
      switch line {
      case .success(let attribute): suites.contains(attribute.suite) ? nil : (place, .suite(attribute.suiteName))
      case .failure(let refusal): (place, refusal)
      }
    }
  }

  /// Takes the answer to this offer of ours: our line that it chose, whose key we send with, and its own, whose key we receive with
  /// (RFC 4568 §5.1.3).
  public func accept(answer values: some Sequence<Bytes>) throws(CryptoAnswerFailure) -> (ours: CryptoAttribute, theirs: CryptoAttribute) {
    let values = Array(values)
    guard let value = values.first else { throw .noLine }
    guard values.count == 1 else { throw .severalLines(values.count) }
    let theirs: CryptoAttribute
    do { theirs = try CryptoAttribute.parse(value) } catch { throw .unusable(error) }
    for case .success(let ours) in lines where ours.tag == theirs.tag {
      guard ours.suite == theirs.suite else { throw .otherSuite(offered: ours.suiteName, answered: theirs.suiteName) }
      guard !ours.keys.contains(where: { key in theirs.keys.contains { $0.isSameKey(as: key) } }) else { throw .ourKey }
      return (ours, theirs)
    }
    throw .unknownTag(theirs.tag)
  }
}

/// Why the crypto attribute of an answer cannot be used.
public enum CryptoAnswerFailure: Error, Hashable, Sendable {
  case noLine
  case severalLines(Int)
  case unusable(CryptoRefusal)
  case unknownTag(UInt32)
  case otherSuite(offered: String, answered: String)
  /// The key of the offer: both directions would have one keystream.
  case ourKey

  /// Where the rule is.
  public var section: String {
    switch self {
    case .noLine, .severalLines, .unknownTag, .otherSuite: "RFC 4568 §5.1.3"
    case .unusable(let refusal): refusal.section
    case .ourKey: "RFC 3711 §9.1"
    }
  }
}

extension CryptoAnswerFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noLine: "the answer has no crypto attribute (\(section))"
    case .severalLines(let count): "the answer has \(count) crypto attributes instead of one (\(section))"
    case .unusable(let refusal): "\(refusal)"
    case .unknownTag(let tag): "the answer takes the tag \(tag), which was not offered (\(section))"
    case .otherSuite(let offered, let answered): "the answer says \(answered) for a tag that was offered with \(offered) (\(section))"
    case .ourKey: "the answer repeats the key of the offer, so both directions would use one keystream (\(section))"
    }
  }
}
