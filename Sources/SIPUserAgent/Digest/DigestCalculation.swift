/// The arithmetic of digest access authentication: RFC 7616 §3.4.1, RFC 2617 §3.2.2 without qop, RFC 3261 §22.4.
enum DigestCalculation {
  /// What both sides put into the response.
  struct Parameters {
    var nonce: String
    var method: String
    var uri: String
    /// nil where the challenge offered no qop (RFC 2617's older form).
    var protection: Protection?
  }

  /// `qop=auth` with its counter.
  struct Protection {
    /// Eight hexadecimal digits, as sent.
    var nonceCount: String
    var clientNonce: String
  }

  /// H(A1) for the plain variants, without `-sess`.
  static func secretHash(_ algorithm: DigestAlgorithm, username: String, realm: String, password: String) -> String {
    algorithm.hexDigest(of: "\(username):\(realm):\(password)")
  }

  /// The `response` value.
  static func response(_ algorithm: DigestAlgorithm, secretHash: String, _ parameters: Parameters) -> String {
    let requestHash = algorithm.hexDigest(of: "\(parameters.method):\(parameters.uri)")
    guard let protection = parameters.protection else {
      return algorithm.hexDigest(of: "\(secretHash):\(parameters.nonce):\(requestHash)")
    }
    let middle = "\(parameters.nonce):\(protection.nonceCount):\(protection.clientNonce):auth"
    return algorithm.hexDigest(of: "\(secretHash):\(middle):\(requestHash)")
  }
}
