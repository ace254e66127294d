import Rules
import SIPComposition
import SIPMessage
import SansIO

extension PeerViolation {
  /// The peer's Contact is not a sips URI where it has to be one (RFC 3261 §8.1.1.8, §12.1.1); nil where nothing is wrong with it.
  init?(clearContactIn message: SIPMessage) {
    guard message.hasClearContact, let contact = message.value(.contact) else { return nil }
    self.init(
      message.isRequest ? .requestContactSecure : .responseContactSecure, "\(contact.prefix(128).text) in \(message)")
  }
}
