import SIPMessage

/// How one product writes its SIP messages: everything that RFC 3261 leaves open and by which engineers recognise it in a trace.
///
/// `plain` writes what the RFC's own examples write. What a product does is not here, nor what it speaks: Allow, Supported and the header
/// fields are what the product claims, and its user agent leaves out what it does not speak.
public struct MessageStyle: Hashable, Sendable, Codable {
  /// The form of an identifier that only its owner reads: Call-ID, tag or branch.
  public enum IdentifierForm: Hashable, Sendable, Codable {
    /// So many hexadecimal digits.
    case hex(Int)
    /// 8-4-4-4-12 hexadecimal digits, a random UUID (RFC 9562 version 4).
    case uuid
    /// Text with places, see ``IdentifierTemplate``.
    case template(String)
  }

  /// The CSeq number of a dialog's first request.
  public enum FirstSequence: Hashable, Sendable, Codable {
    case fixed(UInt32)
    case random(upTo: UInt32)
  }

  // MARK: - Headers

  /// The value of User-Agent in requests and Server in responses; nil = neither is written.
  public var product: String?
  /// Empty = RFC 3261's order.
  public var orders: [HeaderOrder] = []
  /// Header fields of its own.
  public var headers: [StyledHeader] = []
  /// Spaces between `Content-Length:` and the number, with a body and without.
  public var contentLengthSpaces = [1, 1]

  // MARK: - Capabilities

  public var allow: [SIPMethod] = [.invite, .ack, .bye, .cancel, .options]
  /// The option tags of each Supported header.
  public var supported: [[String]] = []
  /// Option tags that only requests have, after those of the first header.
  public var requestOptions: [String] = []
  /// Between option tags.
  public var optionSeparator = ", "
  /// Provisional responses above 100 have Supported.
  public var supportedInProvisionals = true
  /// 487 has Allow.
  public var allowInTerminated = false
  /// REGISTER has Allow.
  public var allowInRegister = false

  // MARK: - Identifiers

  /// `@host` after Call-IDs.
  public var callIDHasHost = false
  public var callID = IdentifierForm.hex(32)
  public var tag = IdentifierForm.hex(16)
  /// What follows the magic cookie, before the identifier: `"Pj"` for PJSIP.
  public var branchPrefix = ""
  public var branch = IdentifierForm.hex(24)
  public var firstSequence = FirstSequence.fixed(1)
  /// That of requests outside dialogs; nil = the same.
  public var firstSequenceOutside: FirstSequence?
  /// Digits of cnonce.
  public var clientNonceLength = 16
  /// The ACK of a 2xx carries the INVITE's credentials (RFC 3261 §13.2.2.4).
  public var acknowledgesWithCredentials = true
  /// A response that makes no dialog takes the request's branch as To tag.
  public var takesBranchAsTag = false

  // MARK: - Via and Contact

  /// `;rport` before `;branch` in Via.
  public var rportBeforeBranch = false
  /// `;alias` in the Via of stream transports (RFC 5923).
  public var aliasOnStreams = false
  /// Responses write the request's Via anew: rport and received first, then branch.
  public var rewritesVia = false
  /// Responses go to the port a request came from, whether its Via has rport or not, and their Via says so.
  public var answersToSourcePort = false
  /// The user part of a caller's Contact; nil = that of From.
  public var contactUser: String?
  /// Responses, and requests of the called side, have a user part in their Contact.
  public var answersWithContactUser = true
  /// `transport=TCP` instead of `transport=tcp`.
  public var contactTransportIsUpperCase = false
  /// Parameters behind the `>` of the Contact of calls, with their semicolon.
  public var contactParameters = ""
  /// Parameters inside the Contact URI of REGISTER, with their semicolon; a template, filled in once a registration.
  public var registrationContactParameters = ""

  // MARK: - OPTIONS, BYE, CANCEL

  public var options = OptionsForm()
  /// Header fields of every BYE that ends a call, such as a Reason (RFC 3326).
  public var byeHeaders: [HeaderLine] = []
  /// Header fields of the BYE after a 2xx that was never acknowledged.
  public var unacknowledgedByeHeaders: [HeaderLine] = []
  public var cancelHeaders: [HeaderLine] = []
  /// Q.850 causes for the Reason of these refusals of an INVITE (RFC 3326).
  public var refusalCauses: [Int: Int] = [:]

  public static let plain = MessageStyle(product: "Kallglot Lab")

  public init(product: String?) { self.product = product }
}

/// The form of an OPTIONS request outside dialogs.
public struct OptionsForm: Hashable, Sendable, Codable {
  public var maxForwards = 70
  /// From and Contact have a user part.
  public var hasUser = true
  public var hasAccept = true
  /// Our 200 to OPTIONS has a Contact.
  public var answerHasContact = true
  public init() {}
}

extension MessageStyle {
  /// The values of the Supported headers.
  public func supportedValues(inRequest: Bool) -> [String] {
    var lines = supported
    if inRequest, !requestOptions.isEmpty {
      if lines.isEmpty { lines = [requestOptions] } else { lines[0] += requestOptions }
    }
    return lines.filter { !$0.isEmpty }.map { $0.joined(separator: optionSeparator) }
  }

  /// Whether a Require of this option tag can be met.
  public func supports(_ option: String) -> Bool {
    // Option tags are tokens, so their case does not count (RFC 3261 §7.3.1).
    supported.contains { $0.contains { $0.lowercased() == option.lowercased() } }
  }

  /// Of the BYE that ends a call.
  public var byeFields: [HeaderField] { byeHeaders.map(\.field) }
}
