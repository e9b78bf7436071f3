'use strict';
module.exports = () => 'a stand-in';
