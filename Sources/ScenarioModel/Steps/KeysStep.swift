import SRTP
import SansIO

/// `keys: { of: wire, sends: "1 AES_CM_128_HMAC_SHA1_80 inline:…", receives: "${ok.body.crypto}" }`
struct KeysStep: FieldStep {
  static let keyword = "keys"
  static let summary = """
    From now on a wire member protects what it injects by SRTP, and opens what comes to its media port: with the keys of these crypto \
    attributes (RFC 4568 §9.1), its own and the peer's. A new step changes them; rollover counters begin at 0 where nothing else is said.
    """
  static let examples = ["keys: { of: wire, sends: \"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\" }"]

  private static let of = Key.required("of", .wireMember, "The wire member.")
  private static let sends = Key.required("sends", .template, "What stands behind `a=crypto:` in its own description.")
  private static let receives = Key.optional(
    "receives", .template, "What stands behind `a=crypto:` in the peer's: `${ok.body.crypto}`. Without it what comes is not opened.")
  private static let counters = Key.standard(
    "counters", .words([("restart", false), ("go-on", true)]), "restart",
    "What becomes of the rollover counters and SRTCP indices of earlier `keys`: they `restart` at 0 (RFC 4568 §7.1.4), or `go-on` (RFC "
      + "3711 §3.3.1).")
  static let mapping = MappingShape([of, sends, receives, counters])

  private let member: String
  private let sends: MessageTemplate
  private let receives: MessageTemplate?
  private let goesOn: Bool

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, sends, receives) = (try fields[Self.of], try fields[Self.sends], try fields[Self.receives])
    goesOn = try fields[Self.counters]
    if goesOn, !scope.keyed.contains(member) {
      throw (fields.place(of: Self.counters) ?? fields.place).problem("\(member) has no keys before these, whose counters could go on")
    }
    for (template, field) in [(sends, Self.sends.description), (receives, Self.receives.description)] {
      guard let template, template.isLiteral else { continue }
      do throws(CryptoRefusal) { _ = try CryptoAttribute.parse(Bytes(template.text)) } catch {
        let place = field.name == "sends" ? fields.place(of: Self.sends) : fields.place(of: Self.receives)
        throw (place ?? fields.place).problem("this is not a crypto attribute that can be used: \(error)")
      }
    }
    scope.keyed.append(member)
  }

  var text: String { "\(member) uses SRTP\(goesOn ? " with other keys, and its counters go on" : "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    do throws(MessageTemplate.Missing) {
      let own = try Self.keys(try sends.part(&script, sender: member))
      var others: SRTPKeys?
      if let receives { others = try Self.keys(try receives.part(&script, sender: member)) }
      script.commands.append(.wire(member, .useKeys(send: own, receive: others, goesOn: goesOn)))
      return .done
    } catch { return .failed(error.finding(of: member, "the keys of SRTP", script)) }
  }

  private static func keys(_ text: String) throws(MessageTemplate.Missing) -> SRTPKeys {
    do throws(CryptoRefusal) {
      let attribute = try CryptoAttribute.parse(Bytes(text))
      guard let keys = try? SRTPKeys(attribute.suite, attribute.keys) else { throw .noKey }
      return keys
    } catch { throw .init(text: "the crypto attribute cannot be used: \(error)") }
  }
}
